// SPDX-License-Identifier: Apache-2.0
// A JSON text of 600 KB, parsed 100 times by recursive descent.
#include <stdio.h>
#include <string.h>

static char text[700000];
static const char* at;
static double sum;
static int values;

static void skip(void) {
  while (*at == ' ' || *at == '\n' || *at == ',') at++;
}

static void value(void);

static void string(void) {
  for (at++; *at != '"'; at++) {
    if (*at == '\\') at++;
  }
  at++;
}

static void number(void) {
  double n = 0, place = 1;
  int negative = *at == '-';
  if (negative) at++;
  for (; *at >= '0' && *at <= '9'; at++) n = n * 10 + (*at - '0');
  if (*at == '.') {
    for (at++; *at >= '0' && *at <= '9'; at++) n += (place /= 10) * (*at - '0');
  }
  sum += negative ? -n : n;
}

static void value(void) {
  skip();
  values++;
  if (*at == '{' || *at == '[') {
    char end = *at == '{' ? '}' : ']';
    for (at++, skip(); *at != end; skip()) {
      if (end == '}') {
        string();
        skip();
        at++;
      }
      value();
    }
    at++;
  } else if (*at == '"') {
    string();
  } else {
    number();
  }
}

int main(void) {
  char* out = text;
  *out++ = '[';
  for (int i = 0; i < 9000; i++) {
    out += sprintf(out, "{\"id\": %d, \"name\": \"item %d\", ", i, i);
    out += sprintf(out, "\"tags\": [1.5, -2, \"x\\\"y\"]},\n");
  }
  strcpy(out, "]");
  for (int round = 0; round < 100; round++) {
    at = text;
    value();
  }
  printf("%d %.1f\n", values, sum);
}
