#ifndef STUB_MICRO_MUTABLE_OP_RESOLVER_H
#define STUB_MICRO_MUTABLE_OP_RESOLVER_H

#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace tflite {

// Registrations for every type, and for one type alone.
inline TFLMRegistration Register_ADD() { return {0}; }
inline TFLMRegistration Register_ADD_INT8() { return {1}; }
inline TFLMRegistration Register_ADD_INT16() { return {1}; }
inline TFLMRegistration Register_AVERAGE_POOL_2D() { return {0}; }
inline TFLMRegistration Register_AVERAGE_POOL_2D_INT8() { return {1}; }
inline TFLMRegistration Register_AVERAGE_POOL_2D_INT16() { return {1}; }
inline TFLMRegistration Register_BATCH_MATMUL() { return {0}; }
inline TFLMRegistration Register_BATCH_MATMUL_INT8() { return {1}; }
inline TFLMRegistration Register_BATCH_MATMUL_INT16() { return {1}; }
inline TFLMRegistration Register_CONV_2D() { return {0}; }
inline TFLMRegistration Register_CONV_2D_INT4() { return {1}; }
inline TFLMRegistration Register_CONV_2D_INT8() { return {1}; }
inline TFLMRegistration Register_CONV_2D_INT16() { return {1}; }
inline TFLMRegistration Register_DEPTHWISE_CONV_2D() { return {0}; }
inline TFLMRegistration Register_DEPTHWISE_CONV_2D_INT4() { return {1}; }
inline TFLMRegistration Register_DEPTHWISE_CONV_2D_INT8() { return {1}; }
inline TFLMRegistration Register_DEPTHWISE_CONV_2D_INT16() { return {1}; }
inline TFLMRegistration Register_FULLY_CONNECTED() { return {0}; }
inline TFLMRegistration Register_FULLY_CONNECTED_INT4() { return {1}; }
inline TFLMRegistration Register_FULLY_CONNECTED_INT8() { return {1}; }
inline TFLMRegistration Register_FULLY_CONNECTED_INT16() { return {1}; }
inline TFLMRegistration Register_MAX_POOL_2D() { return {0}; }
inline TFLMRegistration Register_MAX_POOL_2D_INT8() { return {1}; }
inline TFLMRegistration Register_MAX_POOL_2D_INT16() { return {1}; }
inline TFLMRegistration Register_MAXIMUM() { return {0}; }
inline TFLMRegistration Register_MAXIMUM_INT8() { return {1}; }
inline TFLMRegistration Register_MINIMUM() { return {0}; }
inline TFLMRegistration Register_MINIMUM_INT8() { return {1}; }
inline TFLMRegistration Register_MUL() { return {0}; }
inline TFLMRegistration Register_MUL_INT8() { return {1}; }
inline TFLMRegistration Register_PAD() { return {0}; }
inline TFLMRegistration Register_PAD_INT8() { return {1}; }
inline TFLMRegistration Register_SOFTMAX() { return {0}; }
inline TFLMRegistration Register_SOFTMAX_INT8() { return {1}; }
inline TFLMRegistration Register_SOFTMAX_INT8_INT16() { return {1}; }
inline TFLMRegistration Register_SOFTMAX_INT16() { return {1}; }
inline TFLMRegistration Register_SVDF() { return {0}; }
inline TFLMRegistration Register_SVDF_INT8() { return {1}; }
inline TFLMRegistration Register_TRANSPOSE() { return {0}; }
inline TFLMRegistration Register_TRANSPOSE_INT8() { return {1}; }
inline TFLMRegistration Register_TRANSPOSE_CONV() { return {0}; }
inline TFLMRegistration Register_TRANSPOSE_CONV_INT8() { return {1}; }
inline TFLMRegistration Register_UNIDIRECTIONAL_SEQUENCE_LSTM() { return {0}; }
inline TFLMRegistration Register_UNIDIRECTIONAL_SEQUENCE_LSTM_INT8() { return {1}; }

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddAdd(const TFLMRegistration &registration = Register_ADD()) {
    return Register(registration);
  }
  TfLiteStatus AddAveragePool2D(const TFLMRegistration &registration = Register_AVERAGE_POOL_2D()) {
    return Register(registration);
  }
  TfLiteStatus AddBatchMatMul(const TFLMRegistration &registration = Register_BATCH_MATMUL()) {
    return Register(registration);
  }
  TfLiteStatus AddConv2D(const TFLMRegistration &registration = Register_CONV_2D()) {
    return Register(registration);
  }
  TfLiteStatus AddDepthwiseConv2D(const TFLMRegistration &registration = Register_DEPTHWISE_CONV_2D()) {
    return Register(registration);
  }
  TfLiteStatus AddFullyConnected(const TFLMRegistration &registration = Register_FULLY_CONNECTED()) {
    return Register(registration);
  }
  TfLiteStatus AddMaxPool2D(const TFLMRegistration &registration = Register_MAX_POOL_2D()) {
    return Register(registration);
  }
  TfLiteStatus AddMaximum(const TFLMRegistration &registration = Register_MAXIMUM()) {
    return Register(registration);
  }
  TfLiteStatus AddMinimum(const TFLMRegistration &registration = Register_MINIMUM()) {
    return Register(registration);
  }
  TfLiteStatus AddMul(const TFLMRegistration &registration = Register_MUL()) {
    return Register(registration);
  }
  TfLiteStatus AddPad(const TFLMRegistration &registration = Register_PAD()) {
    return Register(registration);
  }
  TfLiteStatus AddSoftmax(const TFLMRegistration &registration = Register_SOFTMAX()) {
    return Register(registration);
  }
  TfLiteStatus AddSvdf(const TFLMRegistration &registration = Register_SVDF()) {
    return Register(registration);
  }
  TfLiteStatus AddTranspose(const TFLMRegistration &registration = Register_TRANSPOSE()) {
    return Register(registration);
  }
  TfLiteStatus AddTransposeConv(const TFLMRegistration &registration = Register_TRANSPOSE_CONV()) {
    return Register(registration);
  }
  TfLiteStatus AddUnidirectionalSequenceLSTM(const TFLMRegistration &registration = Register_UNIDIRECTIONAL_SEQUENCE_LSTM()) {
    return Register(registration);
  }

  TfLiteStatus AddAbs() { return Register({0}); }
  TfLiteStatus AddAddN() { return Register({0}); }
  TfLiteStatus AddArgMax() { return Register({0}); }
  TfLiteStatus AddArgMin() { return Register({0}); }
  TfLiteStatus AddAssignVariable() { return Register({0}); }
  TfLiteStatus AddBatchToSpaceNd() { return Register({0}); }
  TfLiteStatus AddBroadcastArgs() { return Register({0}); }
  TfLiteStatus AddBroadcastTo() { return Register({0}); }
  TfLiteStatus AddCallOnce() { return Register({0}); }
  TfLiteStatus AddCast() { return Register({0}); }
  TfLiteStatus AddCeil() { return Register({0}); }
  TfLiteStatus AddCircularBuffer() { return Register({0}); }
  TfLiteStatus AddConcatenation() { return Register({0}); }
  TfLiteStatus AddCos() { return Register({0}); }
  TfLiteStatus AddCumSum() { return Register({0}); }
  TfLiteStatus AddDecode() { return Register({0}); }
  TfLiteStatus AddDelay() { return Register({0}); }
  TfLiteStatus AddDepthToSpace() { return Register({0}); }
  TfLiteStatus AddDequantize() { return Register({0}); }
  TfLiteStatus AddDetectionPostprocess() { return Register({0}); }
  TfLiteStatus AddDiv() { return Register({0}); }
  TfLiteStatus AddDynamicUpdateSlice() { return Register({0}); }
  TfLiteStatus AddElu() { return Register({0}); }
  TfLiteStatus AddEmbeddingLookup() { return Register({0}); }
  TfLiteStatus AddEnergy() { return Register({0}); }
  TfLiteStatus AddEqual() { return Register({0}); }
  TfLiteStatus AddEthosU() { return Register({0}); }
  TfLiteStatus AddExp() { return Register({0}); }
  TfLiteStatus AddExpandDims() { return Register({0}); }
  TfLiteStatus AddFftAutoScale() { return Register({0}); }
  TfLiteStatus AddFill() { return Register({0}); }
  TfLiteStatus AddFilterBank() { return Register({0}); }
  TfLiteStatus AddFilterBankLog() { return Register({0}); }
  TfLiteStatus AddFilterBankSpectralSubtraction() { return Register({0}); }
  TfLiteStatus AddFilterBankSquareRoot() { return Register({0}); }
  TfLiteStatus AddFloor() { return Register({0}); }
  TfLiteStatus AddFloorDiv() { return Register({0}); }
  TfLiteStatus AddFloorMod() { return Register({0}); }
  TfLiteStatus AddFramer() { return Register({0}); }
  TfLiteStatus AddGather() { return Register({0}); }
  TfLiteStatus AddGatherNd() { return Register({0}); }
  TfLiteStatus AddGreater() { return Register({0}); }
  TfLiteStatus AddGreaterEqual() { return Register({0}); }
  TfLiteStatus AddHardSwish() { return Register({0}); }
  TfLiteStatus AddIf() { return Register({0}); }
  TfLiteStatus AddIrfft() { return Register({0}); }
  TfLiteStatus AddL2Normalization() { return Register({0}); }
  TfLiteStatus AddL2Pool2D() { return Register({0}); }
  TfLiteStatus AddLeakyRelu() { return Register({0}); }
  TfLiteStatus AddLess() { return Register({0}); }
  TfLiteStatus AddLessEqual() { return Register({0}); }
  TfLiteStatus AddLog() { return Register({0}); }
  TfLiteStatus AddLogSoftmax() { return Register({0}); }
  TfLiteStatus AddLogicalAnd() { return Register({0}); }
  TfLiteStatus AddLogicalNot() { return Register({0}); }
  TfLiteStatus AddLogicalOr() { return Register({0}); }
  TfLiteStatus AddLogistic() { return Register({0}); }
  TfLiteStatus AddMean() { return Register({0}); }
  TfLiteStatus AddMirrorPad() { return Register({0}); }
  TfLiteStatus AddNeg() { return Register({0}); }
  TfLiteStatus AddNotEqual() { return Register({0}); }
  TfLiteStatus AddOverlapAdd() { return Register({0}); }
  TfLiteStatus AddPCAN() { return Register({0}); }
  TfLiteStatus AddPack() { return Register({0}); }
  TfLiteStatus AddPadV2() { return Register({0}); }
  TfLiteStatus AddPrelu() { return Register({0}); }
  TfLiteStatus AddQuantize() { return Register({0}); }
  TfLiteStatus AddReadVariable() { return Register({0}); }
  TfLiteStatus AddReduceAll() { return Register({0}); }
  TfLiteStatus AddReduceMax() { return Register({0}); }
  TfLiteStatus AddReduceMin() { return Register({0}); }
  TfLiteStatus AddRelu() { return Register({0}); }
  TfLiteStatus AddRelu6() { return Register({0}); }
  TfLiteStatus AddReshape() { return Register({0}); }
  TfLiteStatus AddResizeBilinear() { return Register({0}); }
  TfLiteStatus AddResizeNearestNeighbor() { return Register({0}); }
  TfLiteStatus AddReverseV2() { return Register({0}); }
  TfLiteStatus AddRfft() { return Register({0}); }
  TfLiteStatus AddRound() { return Register({0}); }
  TfLiteStatus AddRsqrt() { return Register({0}); }
  TfLiteStatus AddSelectV2() { return Register({0}); }
  TfLiteStatus AddShape() { return Register({0}); }
  TfLiteStatus AddSin() { return Register({0}); }
  TfLiteStatus AddSlice() { return Register({0}); }
  TfLiteStatus AddSpaceToBatchNd() { return Register({0}); }
  TfLiteStatus AddSpaceToDepth() { return Register({0}); }
  TfLiteStatus AddSplit() { return Register({0}); }
  TfLiteStatus AddSplitV() { return Register({0}); }
  TfLiteStatus AddSqrt() { return Register({0}); }
  TfLiteStatus AddSquare() { return Register({0}); }
  TfLiteStatus AddSquaredDifference() { return Register({0}); }
  TfLiteStatus AddSqueeze() { return Register({0}); }
  TfLiteStatus AddStacker() { return Register({0}); }
  TfLiteStatus AddStridedSlice() { return Register({0}); }
  TfLiteStatus AddSub() { return Register({0}); }
  TfLiteStatus AddSum() { return Register({0}); }
  TfLiteStatus AddTanh() { return Register({0}); }
  TfLiteStatus AddUnpack() { return Register({0}); }
  TfLiteStatus AddVarHandle() { return Register({0}); }
  TfLiteStatus AddWhile() { return Register({0}); }
  TfLiteStatus AddWindow() { return Register({0}); }
  TfLiteStatus AddZerosLike() { return Register({0}); }

 private:
  TfLiteStatus Register(const TFLMRegistration &registration) {
    if (count_ == tOpCount) {
      return kTfLiteError;
    }
    registrations_[count_++] = registration;
    return kTfLiteOk;
  }

  unsigned int count_ = 0;
  TFLMRegistration registrations_[tOpCount];
};

}  // namespace tflite

#endif
