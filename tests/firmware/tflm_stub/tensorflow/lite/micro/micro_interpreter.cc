#include "tensorflow/lite/micro/micro_interpreter.h"

namespace tflite {

namespace {

constexpr size_t kInputBytes = 16;
constexpr size_t kOutputBytes = 4;

/* Two instructions a round. */
void spend(uint32_t rounds) {
  __asm volatile(
      ".syntax unified\n\t"
      "1: subs %0, %0, #1\n\t"
      "bne 1b"
      : "+l"(rounds)
      :
      : "cc");
}

}  // namespace

MicroInterpreter::MicroInterpreter(const Model *, const MicroOpResolver &, uint8_t *tensor_arena,
                                   size_t tensor_arena_size, MicroResourceVariables *,
                                   MicroProfilerInterface *profiler, bool)
    : arena_(tensor_arena), arena_bytes_(tensor_arena_size), profiler_(profiler) {}

MicroInterpreter::~MicroInterpreter() {}

TfLiteStatus MicroInterpreter::AllocateTensors() {
  if (arena_bytes_ < kInputBytes + kOutputBytes) {
    return kTfLiteError;
  }
  input_ = {{arena_}, kInputBytes};
  output_ = {{arena_ + kInputBytes}, kOutputBytes};
  return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
  const uint8_t *values = static_cast<const uint8_t *>(input_.data.data);
  uint8_t *sums = static_cast<uint8_t *>(output_.data.data);

  uint32_t event = profiler_->BeginEvent("FULLY_CONNECTED");
  for (size_t i = 0; i < kOutputBytes; ++i) {
    sums[i] = static_cast<uint8_t>(values[4 * i] + values[4 * i + 1] + values[4 * i + 2] +
                                   values[4 * i + 3]);
  }
  spend(100000);
  profiler_->EndEvent(event);
  event = profiler_->BeginEvent("SOFTMAX");
  spend(25000);
  profiler_->EndEvent(event);
  return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Reset() { return kTfLiteOk; }
TfLiteTensor *MicroInterpreter::input(size_t) { return &input_; }
TfLiteTensor *MicroInterpreter::output(size_t) { return &output_; }
size_t MicroInterpreter::inputs_size() const { return 1; }
size_t MicroInterpreter::outputs_size() const { return 1; }
size_t MicroInterpreter::arena_used_bytes() const { return kInputBytes + kOutputBytes; }

}  // namespace tflite
