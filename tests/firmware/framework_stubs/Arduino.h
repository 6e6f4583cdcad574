#pragma once
#include <stdint.h>
class Stream {
 public:
  void begin(unsigned long baud);
  void print(const char *text);
};
extern Stream Serial;
unsigned long micros();
void delay(unsigned long milliseconds);
void setup();
void loop();
