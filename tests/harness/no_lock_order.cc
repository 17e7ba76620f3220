// For test programs that build an index of neighbours: ThreadSanitizer does not judge the order of their locks, all
// else it does. hnswlib locks an index's lists in the order in which its builder meets them: no deadlock, since one
// thread builds an index (search/hnsw_items.h) and searches lock none of them, but thousands of reports, each of which
// costs far longer than the locks even where a suppression then drops it.

#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "detect_deadlocks=0"; }
#endif
