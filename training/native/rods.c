/* Things made of sticks and wire: ladders, fences, tripods, wheels with spokes, branches, umbrellas, bent wire, molecules. */
#include "scene.h"
#include "recipes.h"

#define U(a, b) uniform(r, a, b)
#define BOTH for (int side = -1; side <= 1; side += 2)

static void wheel(Scene *s, Random *r, vec3 c, float radius, float e, int rim, int spoke) {
  int n = 4 + pick(r, 7);
  spin(torus(s, c, radius, e * U(1, 1.8f), rim, -1), 2, 1.5708f);
  for (int i = 0; i < n && s->outline_count < OUTLINES_MAX - 8; i++) {
    float a = 6.2832f * i / n;
    rod(s, c, add(c, v3(0, radius * cosf(a), radius * sinf(a))), e * 0.6f, e * 0.6f, spoke, 0);
  }
}
static void branch(Scene *s, Random *r, vec3 from, vec3 direction, float l, float e, int depth, int bark, int tip) {
  vec3 to = add(from, mul(direction, l));
  rod(s, from, to, e, e * 0.75f, bark, 0.03f);
  if (!depth && tip >= 0) { float q = U(0.06f, 0.2f); ball(s, to, q, q, q, tip, 0); }
  for (int i = 0, n = depth ? 2 + pick(r, 2) : 0; i < n && s->outline_count < OUTLINES_MAX - 2; i++)
    branch(s, r, to, unit(add(direction, v3(U(-0.9f, 0.9f), U(-0.5f, 0.6f), U(-0.9f, 0.9f)))), l * U(0.5f, 0.85f), e * 0.75f, depth - 1, bark, tip);
}

void sticks(Scene *s, Random *r) {
  int a = add_material(s, r), b = add_material(s, r), kind = pick(r, 8);
  float e = U(0.02f, 0.07f);
  if (kind == 0) { /* ladder, fence, rack; alone or leaning on another */
    int n = 3 + pick(r, 6), two = chance(r, 0.4f);
    float w = U(0.25f, 0.9f), h = U(0.6f, 1), lean = U(0.1f, 0.5f);
    for (int k = 0; k <= two; k++) {
      int from = s->part_count;
      BOTH rod(s, v3(side * w, -h, 0), v3(side * w * U(0.7f, 1), h, 0), e, e, a, from || side > 0 ? -1 : 0);
      for (int i = 0; i < n; i++) { float y = h * (1.8f * (i + 0.5f) / n - 0.9f); rod(s, v3(-w, y, 0), v3(w, y, 0), e * 0.8f, e * 0.8f, k ? a : b, 0); }
      tilt_parts(s, from, 0, k ? lean : two ? -lean : 0, v3(0, h, 0));
    }
    if (chance(r, 0.3f)) tilt_parts(s, 0, 2, 1.5708f, v3(0, 0, 0));
  } else if (kind == 1) { /* tripod, easel, stand */
    int n = 3 + pick(r, 3);
    float spread = U(0.3f, 0.8f), top = U(0.2f, 0.8f);
    for (int i = 0; i < n; i++) { float t = 6.2832f * i / n; rod(s, v3(0, top, 0), v3(spread * cosf(t), -1, spread * sinf(t)), e, e, a, i ? -1 : 0); }
    if (chance(r, 0.6f)) rod(s, v3(0, top, 0), v3(0, top + U(0.2f, 0.7f), 0), e, e, b, 0);
    if (chance(r, 0.5f)) block(s, v3(0, top + U(0, 0.5f), U(0, 0.15f)), U(0.1f, 0.6f), U(0.08f, 0.5f), U(0.04f, 0.2f), 0.03f, b, -1);
    if (chance(r, 0.3f)) torus(s, v3(0, -0.4f, 0), spread * 0.7f, e * 0.7f, b, 0);
  } else if (kind == 2) { /* wheel; bicycle, cart */
    float radius = U(0.35f, 0.5f), apart = U(0.5f, 0.7f);
    wheel(s, r, v3(0, 0, apart), radius, e, a, b);
    if (chance(r, 0.7f)) {
      wheel(s, r, v3(0, 0, -apart), radius, e, a, b);
      vec3 seat = v3(0, U(0.5f, 0.8f), -apart * 0.4f), bar = v3(0, U(0.6f, 0.9f), apart * 0.6f), pedal = v3(0, -0.05f, 0);
      rod(s, v3(0, 0, -apart), pedal, e, e, b, -1), rod(s, pedal, seat, e, e, b, 0), rod(s, pedal, bar, e, e, b, 0), rod(s, seat, bar, e, e, b, 0);
      rod(s, bar, v3(0, 0, apart), e, e, b, 0), rod(s, seat, v3(0, 0, -apart), e, e, b, 0), rod(s, add(bar, v3(-0.3f, 0.05f, 0)), add(bar, v3(0.3f, 0.05f, 0)), e, e, a, 0);
      ball(s, seat, 0.1f, 0.05f, 0.18f, a, 0);
    }
  } else if (kind == 3) branch(s, r, v3(0, -0.8f, 0), v3(U(-0.2f, 0.2f), 1, U(-0.2f, 0.2f)), U(0.4f, 0.8f), e * 1.6f, 2 + pick(r, 2), a, chance(r, 0.4f) ? b : -1);
  else if (kind == 4) { /* frames on legs: swings, trestles, bed frames, clothes rails */
    float w = U(0.4f, 1), h = U(0.4f, 1), d = U(0.2f, 0.7f), splay = chance(r, 0.5f) ? d : 0;
    BOTH {
      rod(s, v3(side * w, h, splay ? 0 : d), v3(side * w, -h, d), e, e, a, side < 0 ? 0 : -1), rod(s, v3(side * w, h, splay ? 0 : -d), v3(side * w, -h, -d), e, e, a, 0);
      rod(s, v3(side * w, U(-h, 0), d * 0.7f), v3(side * w, U(-h, 0), -d * 0.7f), e, e, a, 0);
    }
    for (int k = -1; k <= 1; k += splay ? 3 : 2) rod(s, v3(-w, h, splay ? 0 : k * d), v3(w, h, splay ? 0 : k * d), e, e, b, 0);
    if (chance(r, 0.5f)) block(s, v3(0, U(-0.6f, 0.6f) * h, 0), w * U(0.3f, 0.9f), 0.05f, d * U(0.3f, 0.8f), 0.03f, b, -1);
    if (chance(r, 0.4f)) BOTH rod(s, v3(side * w * 0.3f, h, 0), v3(side * w * 0.3f, -h * 0.3f, 0), e * 0.6f, e * 0.6f, b, 0);
  } else if (kind == 5) { /* umbrella ribs, fans, brushes, rakes: rods from one point on a cone or in a plane */
    int n = 5 + pick(r, 8), fan = chance(r, 0.4f);
    float open = U(0.3f, 1.3f), l = U(0.6f, 1);
    for (int i = 0; i < n; i++) {
      float t = fan ? open * (2.0f * i / (n - 1) - 1) : 6.2832f * i / n;
      vec3 d = fan ? v3(sinf(t), cosf(t), 0) : v3(sinf(open) * cosf(t), -cosf(open), sinf(open) * sinf(t));
      tube(s, v3(0, 0, 0), add(mul(d, 0.6f * l), v3(0, 0.1f, 0)), mul(d, l), e, e * 0.6f, a, i ? 0 : -1);
    }
    if (chance(r, 0.7f)) rod(s, v3(0, fan ? 0 : 0.15f, 0), v3(0, -U(0.7f, 1.4f), 0), e * 1.4f, e * 1.2f, b, 0);
  } else if (kind == 6) { /* bent wire */
    vec3 p = v3(U(-0.8f, 0.8f), U(-0.8f, 0.8f), U(-0.8f, 0.8f));
    for (int i = 0, n = 3 + pick(r, 7); i < n; i++) {
      vec3 q = v3(U(-0.9f, 0.9f), U(-0.9f, 0.9f), U(-0.9f, 0.9f));
      if (chance(r, 0.5f)) { int axis = pick(r, 3); q = v3(axis == 0 ? q.x : p.x, axis == 1 ? q.y : p.y, axis == 2 ? q.z : p.z); }
      rod(s, p, q, e, e, i & 1 ? b : a, i ? 0.02f : 0), p = q;
    }
  } else { /* a molecule: each ball joined to an earlier one */
    vec3 at[9];
    for (int i = 0, n = 3 + pick(r, 6); i < n; i++) {
      float q = U(0.08f, 0.25f);
      vec3 from = i ? at[pick(r, i)] : v3(0, 0, 0);
      at[i] = i ? add(from, mul(unit(v3(U(-1, 1), U(-1, 1), U(-1, 1))), U(0.5f, 0.8f))) : from;
      ball(s, at[i], q, q, q, i & 1 ? b : a, -1);
      if (i) rod(s, from, at[i], e, e, b, 0);
    }
  }
}
