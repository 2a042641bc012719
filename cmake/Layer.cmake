# SPDX-License-Identifier: MIT
# dist_layer(ROOM SOURCES a.c b.c [USES room...] [LIBRARIES target...])
#
# Makes the static library of a folder, or of a room in it: that of distributor/steps is called
# dist_distributor_steps. Its headers are visible as "ROOM/x.h" to itself and to the targets that link
# it, and to nobody else: each room is reached through an include directory of its own that holds one
# symbolic link. So an include against the layering of docs/design.md does not compile.
function(dist_layer room)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  string(REPLACE / _ name ${room})
  cmake_path(GET room PARENT_PATH parent)
  set(view ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view}/${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${room} ${view}/${room} SYMBOLIC)
  add_library(dist_${name} STATIC ${ARG_SOURCES})
  target_include_directories(dist_${name} PUBLIC ${view})
  target_link_libraries(dist_${name} PRIVATE dist_flags ${ARG_LIBRARIES})
  foreach(used IN LISTS ARG_USES)
    string(REPLACE / _ used ${used})
    target_link_libraries(dist_${name} PUBLIC dist_${used})
  endforeach()
endfunction()
