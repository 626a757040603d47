// SPDX-License-Identifier: Apache-2.0
// Prints the bits of the NaNs that arithmetic makes, of operands that are NaNs with bits of their
// own and of none.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static double from_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void show(const char* what, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  printf("%s %016" PRIx64 "\n", what, bits);
}

static void show_float(const char* what, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  printf("%s %08" PRIx32 "\n", what, bits);
}

int main(void) {
  volatile double zero = 0, infinite = INFINITY, one = from_bits(0xfff8000000000123),
                  two = from_bits(0x7ff8000000000456);
  show("0/0", zero / zero);
  show("inf-inf", infinite - infinite);
  show("inf*0", infinite * zero);
  show("sqrt(-1)", __builtin_sqrt(zero - 1));
  show("one+two", one + two);
  show("two+one", two + one);
  show("one*two", one * two);
  show("min", __builtin_wasm_min_f64(one, zero));
  show("max", __builtin_wasm_max_f64(zero, two));
  show("floor", __builtin_floor(one));
  show("copied", one);
  show("negated", -two);
  volatile float narrow = (float)one, wide = (float)zero;
  show_float("demoted", narrow);
  show("promoted", (double)narrow);
  volatile float odd = float_from_bits(0xffc12345);
  show("promoted odd", (double)odd);
  show_float("odd there and back", (float)(double)odd);
  show_float("0/0 narrow", wide / wide);
  show_float("narrow+1", narrow + 1.0F);
  for (int i = 0; i < 1000; ++i) one = one + two;
  show("after a loop", one);
  return 0;
}
