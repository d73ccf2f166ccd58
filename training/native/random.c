#include "scene.h"

uint64_t next_bits(Random *r) { /* splitmix64 */
  uint64_t z = (r->state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
float uniform(Random *r, float a, float b) { return a + (b - a) * (float)(next_bits(r) >> 40) * (1.0f / 16777216.0f); }
int pick(Random *r, int n) { return (int)(next_bits(r) % (uint64_t)n); }
int chance(Random *r, float p) { return uniform(r, 0, 1) < p; }
