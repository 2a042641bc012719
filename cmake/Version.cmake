# SPDX-License-Identifier: MIT
# cmake -D SOURCE=DIR -D VERSION=X.Y.Z -D HEADER=FILE -P Version.cmake
#
# Writes the version of the program with the commit that it is built from and whether the sources differ
# from it, as of now: run by each build, and the file is touched only when one of these has changed. Without
# a git repository the version stands alone.

# Set in the hooks of git, and of another repository than SOURCE.
foreach(variable IN ITEMS GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_COMMON_DIR)
  unset(ENV{${variable}})
endforeach()
set(ENV{GIT_OPTIONAL_LOCKS} 0)
set(ENV{TZ} UTC)

# Whoever builds the tree runs what is in it anyway, whoever owns it (a checkout in a container).
function(git ret)
  execute_process(COMMAND git -c safe.directory=* -C ${SOURCE} ${ARGN} RESULT_VARIABLE status
                  OUTPUT_VARIABLE text ERROR_VARIABLE error OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0)
    message(WARNING "the version names no commit, because git failed in '${SOURCE}': ${error}")
    set(text)
  endif()
  set(${ret} "${text}" PARENT_SCOPE)
  set(${ret}_failed ${status} PARENT_SCOPE)
endfunction()

set(commit)
set(date)
# A tarball that was unpacked inside another repository is not of that one.
if(EXISTS ${SOURCE}/.git)
  git(commit rev-parse --verify HEAD)
  git(date log -1 --format=%cd --date=format-local:%Y-%m-%d)
  git(changes status --porcelain --untracked-files=no)
  if(NOT changes_failed EQUAL 0)
    set(commit)
  endif()
endif()
# Of the manual pages. Tarballs of git have the time of the commit in each file.
if(NOT date AND DEFINED ENV{SOURCE_DATE_EPOCH})
  string(TIMESTAMP date "%Y-%m-%d" UTC)
elseif(NOT date)
  file(TIMESTAMP ${SOURCE}/CMakeLists.txt date "%Y-%m-%d" UTC)
endif()

if(commit)
  set(commit_text "\"${commit}\"")
else()
  set(commit_text NULL)
  set(changes)
endif()
if(changes)
  set(modified true)
else()
  set(modified false)
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "/* Written by cmake/Version.cmake. */
#define BUILD_VERSION  \"${VERSION}\"
#define BUILD_COMMIT   ${commit_text}
#define BUILD_MODIFIED ${modified}
#define BUILD_DATE     \"${date}\"
")
