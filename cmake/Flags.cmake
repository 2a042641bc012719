# SPDX-License-Identifier: MIT
# Compiler and linker flags, collected in one interface target that every target of ours links.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(dist_flags INTERFACE)
target_compile_definitions(dist_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64 _TIME_BITS=64)
target_compile_options(dist_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
  -Wundef -Wvla -Wpointer-arith -Wwrite-strings -Wcast-qual -Wswitch-enum -Wimplicit-fallthrough
  -Wnull-dereference -Wdouble-promotion
  -fno-common -fvisibility=hidden -pthread
  # The same bytes from every directory: no path of the building machine in the result.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  -ffile-prefix-map=${CMAKE_BINARY_DIR}/=)
target_link_options(dist_flags INTERFACE -pthread)

# The fuzzer finds its way by the coverage of our code, not only of the target that calls it.
if(DISTRIBUTOR_FUZZ)
  target_compile_options(dist_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(DISTRIBUTOR_WERROR)
  target_compile_options(dist_flags INTERFACE -Werror)
endif()

if(DISTRIBUTOR_SANITIZE)
  target_compile_options(dist_flags INTERFACE
    -fsanitize=${DISTRIBUTOR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(dist_flags INTERFACE -fsanitize=${DISTRIBUTOR_SANITIZE})
else()
  # Hardening; it does not go together with the sanitizers.
  foreach(flag IN ITEMS -fstack-protector-strong -fstack-clash-protection -fcf-protection=full)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
      target_compile_options(dist_flags INTERFACE ${flag})
    endif()
  endforeach()
  target_compile_options(dist_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
  target_link_options(dist_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  target_link_options(dist_flags INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
endif()
# assert() guards against our own mistakes and stays on in release builds.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
