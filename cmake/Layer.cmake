# SPDX-License-Identifier: MIT
# dist_layer(FOLDER SOURCES a.c b.c [USES folder...] [LIBRARIES target...])
#
# Makes the static library dist_FOLDER. Its headers are visible as "FOLDER/x.h" to itself and to the
# targets that link it, and to nobody else: each folder is reached through an include directory of
# its own that holds one symbolic link. So an include against the layering of docs/design.md does
# not compile.
function(dist_layer folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  set(view ${CMAKE_BINARY_DIR}/include/${folder})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${view}/${folder} SYMBOLIC)
  add_library(dist_${folder} STATIC ${ARG_SOURCES})
  target_include_directories(dist_${folder} PUBLIC ${view})
  target_link_libraries(dist_${folder} PRIVATE dist_flags ${ARG_LIBRARIES})
  foreach(used IN LISTS ARG_USES)
    target_link_libraries(dist_${folder} PUBLIC dist_${used})
  endforeach()
endfunction()
