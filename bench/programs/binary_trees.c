// SPDX-License-Identifier: Apache-2.0
// Binary trees of depth 14, made and freed 100 times: malloc.
#include <stdio.h>
#include <stdlib.h>

struct node {
  struct node *left, *right;
};

static struct node* make(int depth) {
  struct node* n = malloc(sizeof *n);
  n->left = depth > 0 ? make(depth - 1) : NULL;
  n->right = depth > 0 ? make(depth - 1) : NULL;
  return n;
}

static int count(const struct node* n) {
  return n == NULL ? 0 : 1 + count(n->left) + count(n->right);
}

static void release(struct node* n) {
  if (n == NULL) return;
  release(n->left);
  release(n->right);
  free(n);
}

int main(void) {
  int total = 0;
  for (int i = 0; i < 100; i++) {
    struct node* tree = make(14);
    total += count(tree);
    release(tree);
  }
  printf("%d\n", total);
}
