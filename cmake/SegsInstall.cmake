# What `cmake --install` puts where: library, headers, pkg-config file, CMake package, segs command.
include(CMakePackageConfigHelpers)

install(TARGETS segs EXPORT segsTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS segs_static EXPORT segsTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/segs DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/include/segs/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/segs)
