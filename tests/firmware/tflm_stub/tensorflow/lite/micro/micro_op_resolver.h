#ifndef STUB_MICRO_OP_RESOLVER_H
#define STUB_MICRO_OP_RESOLVER_H

namespace tflite {

class MicroOpResolver {};

}  // namespace tflite

#endif
