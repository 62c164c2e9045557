# What `cmake --install` puts where: libraries, headers, pkg-config file, CMake package, programs.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/segs)

install(TARGETS segs EXPORT segsTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/segs DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/include/segs/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/segs)

# The static library has an export file of its own: only who links it needs what stands behind it.
if(SEGS_WITH_AUTH)
    target_link_libraries(segs_static INTERFACE
        $<INSTALL_INTERFACE:OpenSSL::Crypto> $<INSTALL_INTERFACE:crypt>)
endif()
install(TARGETS segs_static EXPORT segsStaticTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

foreach(set segsTargets segsStaticTargets)
    install(EXPORT ${set} NAMESPACE segs:: DESTINATION ${package_dir})
endforeach()
configure_package_config_file(cmake/segsConfig.cmake.in ${PROJECT_BINARY_DIR}/segsConfig.cmake
    INSTALL_DESTINATION ${package_dir})
# While 0.x, another minor version is another API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/segsConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/segsConfig.cmake ${PROJECT_BINARY_DIR}/segsConfigVersion.cmake
    DESTINATION ${package_dir})

# The .pc file names an absolute prefix, which is known only when installing (`--prefix`). A path relative to
# the file would be one level off on Debian, whose libdir has an architecture folder. civetweb and everything
# else of the daemons is none of the library's business; -lm has no .pc file, hence Libs.private.
set(SEGS_PC_REQUIRES_PRIVATE "")
if(SEGS_WITH_AUTH)
    set(SEGS_PC_REQUIRES_PRIVATE "libcrypto >= 3.0, libcrypt")
endif()
set(SEGS_PC_PREFIX "@SEGS_PC_PREFIX@")
foreach(dir LIBDIR INCLUDEDIR)
    if(IS_ABSOLUTE ${CMAKE_INSTALL_${dir}})
        set(SEGS_PC_${dir} ${CMAKE_INSTALL_${dir}})
    else()
        set(SEGS_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
    endif()
endforeach()
configure_file(pkgconfig/segs.pc.in ${PROJECT_BINARY_DIR}/segs.pc.prefix @ONLY)
install(CODE "
    set(SEGS_PC_PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
    configure_file(\"${PROJECT_BINARY_DIR}/segs.pc.prefix\" \"${PROJECT_BINARY_DIR}/segs.pc\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/segs.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The programs find the library beside them, wherever the prefix is.
foreach(program segs-command segs-simulator segs-ingestion segs-stream-processor segs-tariff segs-alert
        segs-notification segs-api-gateway)
    if(TARGET ${program})
        set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()
