# SPDX-License-Identifier: MIT
# Writes the C table of the keys in this directory: cmake -DOUTPUT=FILE -P embed.cmake
file(GLOB keys LIST_DIRECTORIES false ${CMAKE_CURRENT_LIST_DIR}/*.asc)
list(SORT keys)
set(arrays "")
set(rows "")
foreach(key IN LISTS keys)
  get_filename_component(name ${key} NAME)
  string(MAKE_C_IDENTIFIER ${name} symbol)
  file(READ ${key} hex HEX)
  string(REGEX REPLACE "(................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " hex "${hex}")
  string(APPEND arrays "static const unsigned char ${symbol}[] = {\n${hex}};\n")
  string(APPEND rows "\t{\"${name}\", ${symbol}, sizeof(${symbol})},\n")
endforeach()
file(WRITE ${OUTPUT} "/* Made from sources/keys by embed.cmake. */
#include \"sources/rpm/package_keys.h\"

${arrays}
const struct package_key package_keys[] = {\n${rows}};
const size_t package_key_count = sizeof(package_keys) / sizeof(package_keys[0]);
")
