# Run one example and compare what it prints with what stands in DATA.out.
#
#     cmake -DPROGRAM=.. -DARGUMENTS=.. -DEXPECTED_EXIT=n -DDATA=.../data/NAME -P check.cmake

foreach(file IN LISTS ARGUMENTS)
    if(NOT EXISTS ${file})
        message("SKIP: ${file} is not there")
        return()
    endif()
endforeach()

set(input "")
if(EXISTS ${DATA}.in)
    set(input INPUT_FILE ${DATA}.in)
endif()
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} ${input} OUTPUT_VARIABLE output ERROR_VARIABLE errors
    RESULT_VARIABLE exit)
file(READ ${DATA}.out expected)

if(NOT exit STREQUAL EXPECTED_EXIT)
    message(FATAL_ERROR "expected exit ${EXPECTED_EXIT}, found ${exit}\n${output}${errors}")
endif()
if(NOT output STREQUAL expected)
    message(FATAL_ERROR "expected:\n${expected}\nfound:\n${output}${errors}")
endif()
if(NOT errors STREQUAL "")
    message(FATAL_ERROR "expected nothing on the error stream, found:\n${errors}")
endif()
