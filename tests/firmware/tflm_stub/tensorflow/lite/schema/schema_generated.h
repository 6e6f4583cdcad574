#ifndef STUB_SCHEMA_GENERATED_H
#define STUB_SCHEMA_GENERATED_H

#include <stdint.h>

namespace tflite {

class Model {
 public:
  uint32_t version() const { return 3; }
};

inline const Model *GetModel(const void *buffer) { return static_cast<const Model *>(buffer); }

}  // namespace tflite

#endif
