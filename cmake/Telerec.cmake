# Build settings, and the two helpers that everything is declared with: tr_room() and tr_test().
#
# Build types: RelWithDebInfo (default), Debug, and the sanitizers ASan (address and undefined
# behaviour) and TSan (threads).

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

option(TR_WERROR "Treat warnings as errors" ON)

set(sanitizer_flags "-O1 -g -fno-omit-frame-pointer -fno-optimize-sibling-calls")
set(CMAKE_C_FLAGS_ASAN "${sanitizer_flags} -fsanitize=address,undefined -fno-sanitize-recover=all")
set(CMAKE_C_FLAGS_TSAN "${sanitizer_flags} -fsanitize=thread")
# -O3 is no faster here, and warns of things that are not so.
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g -DNDEBUG")

add_compile_definitions(_GNU_SOURCE TR_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wpointer-arith
	-Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough)
if(TR_WERROR)
	add_compile_options(-Werror)
endif()
if(CMAKE_BUILD_TYPE MATCHES "^Rel")
	add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
	add_link_options(-Wl,-z,relro,-z,now)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# tr_pkg(NAME module...): pkg-config modules as the target PkgConfig::NAME, once.
function(tr_pkg name)
	if(NOT TARGET PkgConfig::${name})
		pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
	endif()
endfunction()

# tr_room(NAME SOURCES file... [DEPENDS room...] [LIBRARIES target...])
# A room is a static library that links exactly the rooms its line names.
function(tr_room name)
	cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
	add_library(tr_${name} STATIC ${ARG_SOURCES})
	target_include_directories(tr_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
	list(TRANSFORM ARG_DEPENDS PREPEND tr_)
	target_link_libraries(tr_${name} PUBLIC ${ARG_DEPENDS} ${ARG_LIBRARIES} Threads::Threads)
endfunction()

# tr_program(NAME SOURCES file... ROOMS room... [LIBRARIES target...])
function(tr_program name)
	cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS;LIBRARIES" ${ARGN})
	add_executable(${name} ${ARG_SOURCES})
	target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
	list(TRANSFORM ARG_ROOMS PREPEND tr_)
	target_link_libraries(${name} PRIVATE ${ARG_ROOMS} ${ARG_LIBRARIES})
endfunction()

# tr_test_begins_early(TEST SECONDS): it takes about so long; the longest begin first, so that none is left alone.
function(tr_test_begins_early test seconds)
	if(TEST ${test})
		set_tests_properties(${test} PROPERTIES COST ${seconds})
	endif()
endfunction()

# What the tests with threads need, for the thread sanitizer's build.
add_custom_target(tests_with_threads)

# tr_test(ROOM/NAME [SOURCES file...] [ROOMS room...] [LIBRARIES target...] [LABELS label...])
# A cmocka program built from tests/ROOM/test_NAME.c; exit code 77 means skipped. LABELS defaults
# to "unit": unit tests run in every build type, "e2e" ones in the release build only, "long" ones
# only with `quickstart test --all`.
function(tr_test path)
	cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;ROOMS;LIBRARIES;LABELS" ${ARGN})
	tr_pkg(CMOCKA cmocka)
	string(REPLACE "/" "_" target "test_${path}")
	get_filename_component(name ${path} NAME)
	add_executable(${target} test_${name}.c ${ARG_SOURCES})
	target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/tests)
	target_compile_options(${target} PRIVATE -Wno-unused-parameter)
	list(TRANSFORM ARG_ROOMS PREPEND tr_)
	target_link_libraries(${target} PRIVATE ${ARG_ROOMS} ${ARG_LIBRARIES} PkgConfig::CMOCKA)
	add_test(NAME ${path} COMMAND ${target} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
	if(NOT ARG_LABELS)
		set(ARG_LABELS unit)
	endif()
	if("threads" IN_LIST ARG_LABELS)
		add_dependencies(tests_with_threads ${target})
	endif()
	if(NOT ARG_TIMEOUT)
		set(ARG_TIMEOUT 600)
	endif()
	set_tests_properties(${path} PROPERTIES LABELS "${ARG_LABELS}" SKIP_RETURN_CODE 77
		TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "TR_BUILD_DIR=${CMAKE_BINARY_DIR};TR_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
endfunction()
