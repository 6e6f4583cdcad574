#ifndef STUB_MICRO_COMMON_H
#define STUB_MICRO_COMMON_H

#include <stddef.h>
#include <stdint.h>

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

union TfLitePtrUnion {
  void *data;
};

struct TfLiteTensor {
  TfLitePtrUnion data;
  size_t bytes;
};

struct TFLMRegistration {
  int kind;
};

#define TFLITE_SCHEMA_VERSION (3)

#endif
