// A string in the library that names the sources it was built from. build.py searches the library file for it.
extern "C" __attribute__((visibility("default"), used)) const char lhrcnn_stamp[] = LHRCNN_STAMP;
