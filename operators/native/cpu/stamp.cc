// Tells from which sources the library was built; build.py looks for it.
extern "C" __attribute__((visibility("default"), used)) const char lhrcnn_stamp[] = LHRCNN_STAMP;
