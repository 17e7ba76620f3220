# For benchmarks only. Debian has it as an archive that was built by g++: it needs that compiler's OpenMP, and BLAS.
vitrine_dependency(faiss HEADERS faiss/IndexFlat.h LIBRARIES faiss lapack blas DEPENDS gomp Threads::Threads)
