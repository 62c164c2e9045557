# rt_schema: the tables and their rows.
segs_add_runtime_part(schema SOURCES
    schema/rows.c
    schema/rows_json.c
    schema/schema.c
    schema/topics.c
    LIBS rt_ports)
# A migration is one text; C99's portable limit for literals does not bind the compilers we build with.
set_source_files_properties(schema/schema.c PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
