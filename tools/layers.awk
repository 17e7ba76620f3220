# The engine of tools/layers: first argument the rules, then every source below src/.

function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function out_of_place(where, what) { print where ": " what; ++bad }
function starts(s, prefix) { return substr(s, 1, length(prefix)) == prefix }
# Whether a pattern (exact, or with one *) takes a name.
function takes(pattern, name,   star, tail) {
  star = index(pattern, "*")
  if (!star) return pattern == name
  tail = substr(pattern, star + 1)
  return starts(name, substr(pattern, 1, star - 1)) && substr(name, length(name) - length(tail) + 1) == tail
}
# Whether a file lies in one of the places (folder/, a file, or *).
function lies_in(file, places,   n, i, part) {
  n = split(places, part, " ")
  for (i = 1; i <= n; ++i) {
    if (part[i] == "*" || part[i] == file || (part[i] ~ /\/$/ && starts(file, part[i]))) return 1
  }
  return 0
}
# Whether a file is made for tests only.
function is_testing(file,   n, i, part) {
  n = split(testing, part, " ")
  for (i = 1; i <= n; ++i) if (takes(part[i], file)) return 1
  return 0
}
# The folder of the table that a path (below src/) belongs to: the longest row that fits.
function folder_of(path,   dir) {
  dir = path
  while (sub(/\/[^\/]*$/, "", dir)) if (dir in edges) return dir
  return ""
}
function allowed(from, to, path, is_test,   n, i, part, yes) {
  if (to == from || to == "core") return 1
  n = split(edges[from] (is_test ? " " test_edges[from] " " test_edges["*"] : ""), part, " ")
  for (i = 1; i <= n; ++i) {
    if (part[i] ~ /^!/) {
      if (starts(path, substr(part[i], 2) "/")) return 0
    } else if (part[i] == to || (part[i] ~ /\/\*$/ && starts(to, substr(part[i], 1, length(part[i]) - 1)))) yes = 1
  }
  return yes
}

BEGIN {
  standard = " algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits clocale cmath compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem forward_list fstream functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector version "
}

# The rules.
FNR == NR {
  sub(/^#.*/, "")
  if ($0 ~ /^[ \t]*$/) next
  n = split($0, cell, "|")
  for (i = 1; i <= n; ++i) cell[i] = trim(cell[i])
  if (cell[1] == "stages") stages = cell[2]
  else if (cell[1] == "testing") testing = cell[2]
  else if (cell[1] == "folder") { sub(/@stages/, stages, cell[3]); edges[cell[2]] = cell[3] }
  else if (cell[1] == "tests") test_edges[cell[2]] = cell[3]
  else if (cell[1] == "library") {
    ++libraries; name[libraries] = cell[2]; headers[libraries] = cell[3]; places[libraries] = cell[4]; how[libraries] = cell[5]
    if (how[libraries] !~ /^(any|cc|sealed|test)$/) { print "layers.rules:" FNR ": unknown way '" how[libraries] "'"; broken = 1; exit 2 }
  } else if (cell[1] == "word") { ++words; word[words] = cell[2]; spoken[words] = cell[3] }
  else { print "layers.rules:" FNR ": unknown row '" cell[1] "'"; broken = 1; exit 2 }
  next
}

FNR == 1 {
  file = FILENAME; sub(/^src\//, "", file)
  folder = folder_of(file)
  is_test = file ~ /_test\.cc$/ || is_testing(file)
  ++files
  if (folder == "") out_of_place(FILENAME ":1", "its folder has no row in tools/layers.rules")
}
folder == "" { next }

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
  ++includes
  match($0, /["<][^">]+[">]/)
  quoted = substr($0, RSTART, 1) == "\""
  header = substr($0, RSTART + 1, RLENGTH - 2)
  where = FILENAME ":" FNR
  if (index(standard, " " header " ")) next

  to = folder_of(header)
  if (to != "") {
    reaches[file] = reaches[file] " " header
    line_of[file, header] = FNR
    if (!allowed(folder, to, header, is_test)) {
      out_of_place(where, folder " may not include " header " (beside core it may include: " \
                   (edges[folder] == "" ? "nothing" : edges[folder]) ")")
    }
    if (!is_test && is_testing(header)) out_of_place(where, folder " may include " header " only in a test")
    next
  }

  known = ok = 0; rule = ""
  for (i = 1; i <= libraries; ++i) {
    n = split(headers[i], pattern, " ")
    hit = 0
    for (j = 1; j <= n; ++j) if (takes(pattern[j], header)) hit = 1
    if (!hit) continue
    known = 1
    if (how[i] == "sealed") holds[file] = i
    if (!lies_in(file, places[i])) { if (rule == "") rule = name[i] " belongs in " places[i]; continue }
    if (how[i] == "cc" && file !~ /\.cc$/) { rule = name[i] " may stand only in a .cc, not in a header"; continue }
    if (how[i] == "test" && !is_test) { rule = name[i] " may stand only in a test (x_test.cc)"; continue }
    ok = 1
    break
  }
  if (!known) {
    rule = quoted ? "write paths from src/, such as \"core/status.h\"" : "no library of tools/layers.rules has this header"
  }
  if (!ok) out_of_place(where, folder " may not include " header " (" rule ")")
  next
}

words && !is_test {
  code = $0
  gsub(/"([^"\\]|\\.)*"/, "\"\"", code)
  sub(/\/\/.*/, "", code)
  for (i = 1; i <= words; ++i) {
    if (code ~ ("(^|[^A-Za-z0-9_])" word[i] "[ \t]*\\(") && !lies_in(file, spoken[i])) {
      out_of_place(FILENAME ":" FNR, folder " may not call " word[i] " (it belongs in " spoken[i] ")")
    }
  }
}

# A sealed library may not be reached from outside through our own headers.
function sealed_behind(header,   n, i, part, found) {
  if (header in behind) return behind[header]
  behind[header] = 0
  if (header in holds) return behind[header] = holds[header]
  n = split(reaches[header], part, " ")
  for (i = 1; i <= n; ++i) if ((found = sealed_behind(part[i]))) return behind[header] = found
  return 0
}

END {
  if (broken) exit 2
  for (file in reaches) {
    n = split(reaches[file], part, " ")
    for (i = 1; i <= n; ++i) {
      sealed = sealed_behind(part[i])
      if (sealed && !lies_in(file, places[sealed])) {
        out_of_place("src/" file ":" line_of[file, part[i]], part[i] " brings in " name[sealed] \
                     ", which may not be seen outside " places[sealed])
      }
    }
  }
  if (bad) { print "layers: " bad " out of place"; exit 1 }
  print "layers: " files " files, " includes " includes, all in place"
}
