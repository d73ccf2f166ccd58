/* Things flat, ringed, growing, eaten, and shapes that are nothing at all. */
#include "scene.h"
#include "recipes.h"

#define U(a, b) uniform(r, a, b)
#define BOTH for (int side = -1; side <= 1; side += 2)

static int random_outline(Random *r, float *xy) {
  int kind = pick(r, 7), n = 0;
  float wide = U(0.6f, 1);
  if (kind == 0) { /* star */
    int k = 4 + pick(r, 5);
    float inner = U(0.35f, 0.75f);
    for (n = 0; n < 2 * k; n++) { float a = 3.14159f * n / k + 1.5708f, q = n & 1 ? inner : 1; xy[2 * n] = q * cosf(a), xy[2 * n + 1] = q * sinf(a); }
  } else if (kind == 1) { /* heart */
    for (n = 0; n < 28; n++) { float a = 6.2832f * n / 28, q = sinf(a); xy[2 * n] = q * q * q, xy[2 * n + 1] = (13 * cosf(a) - 5 * cosf(2 * a) - 2 * cosf(3 * a) - cosf(4 * a)) / 16; }
  } else if (kind == 2) { /* arrow */
    float e = U(0.15f, 0.4f), p[] = {-e, -1, e, -1, e, 0.1f, 0.8f, 0.1f, 0, 1, -0.8f, 0.1f, -e, 0.1f};
    memcpy(xy, p, sizeof p), n = 7;
  } else if (kind == 3) { /* regular or squashed polygon */
    n = 3 + pick(r, 6);
    for (int i = 0; i < n; i++) { float a = 6.2832f * (i + 0.5f) / n - 1.5708f; xy[2 * i] = wide * cosf(a), xy[2 * i + 1] = sinf(a); }
  } else if (kind == 4) { /* cross, or L, T, U */
    float a = U(0.2f, 0.5f), c = U(-0.4f, 0.4f), p[] = {-a, -1, a, -1, a, c - a, 1, c - a, 1, c + a, a, c + a, a, 1, -a, 1, -a, c + a, -1, c + a, -1, c - a, -a, c - a};
    memcpy(xy, p, sizeof p), n = 12;
  } else if (kind == 6) { /* a waving flag or banner */
    float high = U(0.35f, 0.7f), wave = U(0, 0.15f), phase = U(0, 6);
    for (int i = 0; i < 24; i++) {
      float t = (i < 12 ? i : 23 - i) / 11.0f;
      xy[2 * i] = 2 * t - 1, xy[2 * i + 1] = (i < 12 ? -high : high) + wave * sinf(phase + 4 * t);
    }
    n = 24;
  } else { /* soft random outline: leaves, clouds, puddles, drops */
    float a[4], p[4];
    for (int k = 0; k < 4; k++) a[k] = U(0, 0.35f) / (k + 1), p[k] = U(0, 6.28f);
    for (n = 0; n < 32; n++) {
      float t = 6.2832f * n / 32, q = 0.7f;
      for (int k = 0; k < 4; k++) q += a[k] * sinf((k + 1) * t + p[k]);
      xy[2 * n] = fmaxf(q, 0.15f) * cosf(t) * wide, xy[2 * n + 1] = fmaxf(q, 0.15f) * sinf(t);
    }
  }
  return n;
}
void plaque(Scene *s, Random *r) { /* signs, hearts, stars, medals, cards, letters: puffed, bevelled or flat */
  int a = add_material(s, r), b = add_material(s, r);
  float xy[2 * OUTLINE_POINTS_MAX], half = chance(r, 0.5f) ? U(0.05f, 0.2f) : U(0.15f, 0.5f);
  int n = random_outline(r, xy);
  s->frontal = 0.25f;
  extrusion(s, v3(0, 0, 0), xy, n, half, chance(r, 0.5f) ? half * 0.95f : U(0.01f, 0.1f), a, 0);
  if (chance(r, 0.3f)) { Part *p = cutting(cylinder(s, v3(U(-0.3f, 0.3f), U(-0.2f, 0.4f), 0), U(0.1f, 0.35f), 1, 0.01f, b, U(0, 0.06f))); spin(p, 0, 1.57f); }
  if (chance(r, 0.4f)) { n = random_outline(r, xy); Part *p = extrusion(s, v3(0, 0, half), xy, n, U(0.03f, 0.12f), 0.03f, b, 0); p->scale = U(0.3f, 0.7f); }
  if (chance(r, 0.3f)) for (int i = 0, k = 1 + pick(r, 5); i < k; i++) ball(s, v3(U(-0.5f, 0.5f), U(-0.5f, 0.5f), half), U(0.05f, 0.2f), U(0.05f, 0.2f), U(0.04f, 0.12f), b, 0);
  if (chance(r, 0.2f)) rod(s, v3(0, -0.7f, 0), v3(0, -2, 0), 0.08f, 0.08f, b, -1);
  if (chance(r, 0.3f)) tilt_parts(s, 0, 0, -1.3f, v3(0, 0, 0));
}
Part *cutting(Part *p) { p->op = CUT; return p; }

void ring(Scene *s, Random *r) { /* rings, tyres, chains, frames, wreaths, knots */
  int a = add_material(s, r), b = add_material(s, r), kind = pick(r, 4);
  float big = U(0.5f, 0.9f), small = U(0.06f, 0.4f) * big;
  if (kind == 0) {
    torus(s, v3(0, 0, 0), big, small, a, 0);
    for (int i = 0, n = pick(r, 9); i < n; i++) { float t = 6.2832f * i / n, e = U(0.08f, 0.25f); ball(s, v3(big * cosf(t), small * 0.5f, big * sinf(t)), e, e, e, b, 0.02f); }
  } else if (kind == 1) for (int i = 0, n = 2 + pick(r, 3); i < n; i++) {
    Part *p = torus(s, v3((i - 0.5f * n) * big * 1.2f, 0, 0), big * 0.8f, small * 0.5f, i & 1 ? a : b, -1);
    spin(p, 0, i & 1 ? 0.3f : 1.4f);
  }
  else if (kind == 2) { /* a frame */
    float w = U(0.5f, 1), h = U(0.5f, 1), d = U(0.05f, 0.3f), e = U(0.6f, 0.9f);
    block(s, v3(0, 0, 0), w, h, d, 0.03f, a, 0);
    cutting(block(s, v3(0, 0, 0), w * e, h * e, 1, 0.02f, a, U(0, 0.04f)));
    if (chance(r, 0.4f)) block(s, v3(0, 0, -d * 0.5f), w * e, h * e, d * 0.3f, 0.01f, b, -1);
    if (chance(r, 0.4f)) rod(s, v3(-w, -h * U(-0.8f, 0.8f), 0), v3(w, h * U(-0.8f, 0.8f), 0), d * 0.5f, d * 0.5f, b, -1);
  } else { /* a winding tube */
    vec3 p = v3(-0.8f, 0, 0), q = v3(-0.8f, U(-1, 1), U(-0.6f, 0.6f));
    for (int i = 0, n = 2 + pick(r, 3); i < n; i++) {
      vec3 e = v3(-0.8f + 1.6f * (i + 1) / n, U(-0.6f, 0.6f), U(-0.5f, 0.5f));
      tube(s, p, q, e, small, small, i & 1 ? b : a, 0.02f), q = sub(mul(e, 2), q), p = e;
    }
  }
  if (chance(r, 0.5f)) tilt_parts(s, 0, 0, U(0.8f, 1.57f), v3(0, 0, 0));
}
void plant(Scene *s, Random *r) {
  int stem = add_material(s, r), leaf = add_material(s, r), bloom = add_material(s, r), kind = pick(r, 5);
  float e = U(0.04f, 0.12f), h = U(0.5f, 1);
  if (kind == 0 || kind == 1) { /* tree */
    rod(s, v3(0, -h, 0), v3(U(-0.15f, 0.15f), 0, 0), e * 1.8f, e * 1.2f, stem, 0);
    int n = kind ? 2 + pick(r, 4) : 3 + pick(r, 7);
    for (int i = 0; i < n; i++) {
      if (kind) { float q = U(0.4f, 0.6f) * (1.2f - (float)i / n); frustum(s, v3(0, 0.35f * i, 0), q, 0.05f, 0.35f, 0.03f, leaf, 0); }
      else { float q = U(0.25f, 0.5f); ball(s, v3(U(-0.4f, 0.4f), U(0, 0.6f), U(-0.4f, 0.4f)), q, q * U(0.7f, 1), q, leaf, i ? 0.08f : 0); }
    }
    if (chance(r, 0.3f)) for (int i = 0; i < 6; i++) ball(s, v3(U(-0.6f, 0.6f), U(0, 0.7f), U(0.2f, 0.6f)), 0.08f, 0.08f, 0.08f, bloom, 0);
  } else if (kind == 2) { /* flower, sun */
    int n = 4 + pick(r, 10);
    float q = U(0.2f, 0.35f), long_petal = U(0.15f, 0.4f), lean = U(-0.5f, 0.8f);
    ball(s, v3(0, 0, 0.05f), q, q, q * U(0.4f, 1), bloom, 0);
    for (int i = 0; i < n; i++) {
      float t = 6.2832f * i / n;
      Part *p = ball(s, v3((q + long_petal * 0.7f) * cosf(t), (q + long_petal * 0.7f) * sinf(t), lean * long_petal * 0.5f), long_petal, fminf(3.1f * q / n + 0.06f, long_petal), 0.06f, leaf, 0.02f);
      spin(p, 1, -lean * 0.6f), spin(p, 2, t);
    }
    if (chance(r, 0.6f)) tube(s, v3(0, -q, -0.05f), v3(U(-0.2f, 0.2f), -0.8f, -0.05f), v3(U(-0.3f, 0.3f), -1.6f, 0), 0.05f, 0.06f, stem, -1);
  } else if (kind == 3) { /* cactus, coral, mushroom */
    if (chance(r, 0.5f)) {
      rod(s, v3(0, -h, 0), v3(0, h * 0.7f, 0), e * 3, e * 2.6f, leaf, 0);
      BOTH { float y = U(-0.4f, 0.2f); tube(s, v3(0, y, 0), v3(side * 0.65f, y, 0), v3(side * 0.5f, y + U(0.3f, 0.7f), U(-0.2f, 0.2f)), e * 1.6f, e * 1.4f, leaf, 0.06f); }
    } else {
      frustum(s, v3(0, -0.4f, 0), e * 3.5f, e * 2.5f, 0.45f, 0.05f, stem, 0), ball(s, v3(0, 0, 0), U(0.5f, 0.8f), U(0.3f, 0.6f), 0.6f, bloom, 0.03f);
      cutting(block(s, v3(0, -0.95f, 0), 2, 0.2f, 2, 0.01f, stem, 0));
    }
  } else for (int i = 0, n = 3 + pick(r, 6); i < n; i++) { /* leaves, grass, feathers */
    float t = 6.2832f * i / n + U(-0.3f, 0.3f), q = U(0.3f, 0.8f);
    tube(s, v3(0, -0.6f, 0), v3(q * 0.4f * cosf(t), 0.5f, q * 0.4f * sinf(t)), v3(q * cosf(t), U(0, 0.9f), q * sinf(t)), U(0.05f, 0.13f), 0.02f, leaf, 0.02f);
  }
  if (chance(r, 0.3f)) frustum(s, v3(0, kind == 2 ? -1.6f : -h - 0.2f, 0), 0.25f, 0.38f, 0.28f, 0.03f, bloom, -1);
}
void food(Scene *s, Random *r) {
  int a = add_material(s, r), b = add_material(s, r), c = add_material(s, r), kind = pick(r, 6);
  float w = U(0.5f, 0.8f);
  if (kind == 0) { /* stacks: burgers, cakes, sandwiches */
    float y = -0.5f;
    for (int i = 0, n = 3 + pick(r, 4); i < n; i++) {
      float h = U(0.06f, 0.2f), q = w * U(0.8f, 1.1f);
      y += h, cylinder(s, v3(U(-0.03f, 0.03f), y, 0), q, h, h * U(0.3f, 0.95f), i % 3 == 0 ? a : i % 3 == 1 ? b : c, chance(r, 0.3f) ? 0.04f : 0), y += h * 0.8f;
    }
    if (chance(r, 0.6f)) ball(s, v3(0, y, 0), w, U(0.2f, 0.5f), w, a, 0);
    if (chance(r, 0.4f)) for (int i = 0; i < 5; i++) { float t = 1.2566f * i; ball(s, v3(0.5f * w * cosf(t), y + 0.1f, 0.5f * w * sinf(t)), 0.1f, 0.1f, 0.1f, c, 0); }
  } else if (kind == 1) { /* wedges */
    float l = U(0.8f, 1.2f), xy[] = {0, -l * 0.7f, w * 0.7f, l * 0.6f, -w * 0.7f, l * 0.6f}, h = U(0.1f, 0.45f);
    extrusion(s, v3(0, 0, 0), xy, 3, h, U(0.01f, 0.1f), a, 0), block(s, v3(0, l * 0.6f, 0), w * 0.75f, 0.12f, h * 1.15f, 0.1f, b, 0.02f);
    for (int i = 0, n = pick(r, 5); i < n; i++) spin(cylinder(s, v3(U(-0.25f, 0.25f), U(-0.1f, 0.5f), h), U(0.08f, 0.16f), 0.05f, 0.03f, c, 0), 0, 1.57f);
    if (chance(r, 0.7f)) tilt_parts(s, 0, 0, -U(1, 1.57f), v3(0, 0, 0));
  } else if (kind == 2) { /* cones, lollies */
    float q = U(0.3f, 0.5f);
    spin(frustum(s, v3(0, -0.5f, 0), q * 0.95f, 0.05f, 0.6f, 0.03f, a, 0), 2, 3.14159f);
    for (int i = 0, n = 1 + pick(r, 3); i < n; i++) ball(s, v3(U(-0.1f, 0.1f), 0.2f + 0.4f * i, U(-0.1f, 0.1f)), q * (1.1f - 0.2f * i), q * (1 - 0.2f * i), q * (1.1f - 0.2f * i), i & 1 ? b : c, 0.04f);
  } else if (kind == 3) { /* fruit with stalk and leaf, in ones to threes */
    for (int i = 0, n = 1 + pick(r, 3); i < n; i++) {
      vec3 at = v3(0.9f * i, U(-0.2f, 0.2f), U(-0.3f, 0.3f));
      ball(s, at, w * U(0.7f, 0.9f), w * U(0.7f, 1.2f), w * U(0.7f, 0.9f), a, -1);
      if (chance(r, 0.5f)) { Part *p = ball(s, add(at, v3(0, w * 0.95f, 0)), 0.3f, 0.2f, 0.3f, a, 0.12f); p->op = CUT; }
      tube(s, add(at, v3(0, w * 0.6f, 0)), add(at, v3(0.05f, w, 0)), v3(0.4f, w * U(1.2f, 2), 0), 0.04f, 0.04f, b, -1);
      if (chance(r, 0.5f)) spin(ball(s, add(at, v3(0.25f, w * 1.05f, 0)), 0.28f, 0.04f, 0.14f, c, 0), 2, U(-0.3f, 0.7f));
    }
  } else if (kind == 4) { /* bananas, sausages, loaves, eggs */
    float bend = U(-0.8f, 0.8f), q = U(0.15f, 0.35f);
    for (int i = 0, n = 1 + pick(r, 3); i < n; i++) tube(s, v3(-0.9f, 0.1f * i, -0.35f * i), v3(0, bend + 0.1f * i, -0.35f * i), v3(0.9f, 0.1f * i, -0.35f * i), q * U(0.5f, 1), q * U(0.5f, 1), a, i ? -1 : 0);
    if (chance(r, 0.5f)) ball(s, v3(0, bend * 0.3f - 0.1f, 0), 1, U(0.2f, 0.35f), U(0.3f, 0.5f), b, -1);
  } else { /* a plate or bowl of things */
    float xy[] = {0, -0.1f, w * 0.5f, -0.1f, w * 1.2f, U(0.05f, 0.5f), w * 1.12f, U(0.1f, 0.5f), w * 0.5f, 0, 0, 0};
    lathe(s, v3(0, 0, 0), xy, 6, 0.02f, a, 0);
    for (int i = 0, n = 3 + pick(r, 7); i < n; i++) { float t = U(0, 6.28f), q = w * U(0, 0.7f), e = U(0.12f, 0.3f); ball(s, v3(q * cosf(t), U(0.1f, 0.4f), q * sinf(t)), e, e * U(0.5f, 1), e, pick(r, 2) ? b : c, i ? 0.02f : -1); }
  }
}
void blob(Scene *s, Random *r) {
  int a = add_material(s, r), b = add_material(s, r), n = 2 + pick(r, 8), symmetric = chance(r, 0.4f);
  float blend = U(0.02f, 0.3f), spread = U(0.3f, 0.8f);
  for (int i = 0; i < n; i++) {
    vec3 c = v3(symmetric && i == 0 ? 0 : U(-spread, spread), U(-spread, spread), U(-spread, spread)), e = v3(U(0.1f, 0.5f), U(0.1f, 0.5f), U(0.1f, 0.5f));
    float ax = U(-1, 1), az = U(-1, 1);
    int m = pick(r, 3) ? a : b, thin = chance(r, 0.3f);
    BOTH if (symmetric || side > 0) {
      vec3 at = v3(side * c.x, c.y, c.z);
      if (thin) rod(s, mul(at, 0.2f), mul(at, 1.4f), 0.12f, 0.06f, m, blend);
      else { Part *p = ball(s, at, e.x, e.y, e.z, m, blend); spin(p, 0, ax), spin(p, 2, side * az); }
    }
  }
  if (chance(r, 0.25f)) cutting(ball(s, v3(U(-0.4f, 0.4f), U(-0.4f, 0.4f), U(0, 0.8f)), U(0.2f, 0.5f), U(0.2f, 0.5f), U(0.2f, 0.5f), b, 0.05f));
  if (chance(r, 0.4f)) s->bump = U(0.005f, 0.03f), s->bump_frequency = U(4, 14);
}
void body(Scene *s, Random *r) { /* compact and nothing in particular: only its shading tells how it is turned and where it swells */
  int m[2] = {add_material(s, r), add_material(s, r)}, n = 1 + pick(r, 4), cuts = chance(r, 0.5f) ? pick(r, 5) : 0;
  float spread = U(0.1f, 0.6f), blend = U(0.02f, 0.4f), edge = chance(r, 0.5f) ? 0.01f : U(0.01f, 0.2f);
  for (int i = 0; i < n; i++) {
    vec3 c = i ? v3(U(-spread, spread), U(-spread, spread), U(-spread, spread)) : v3(0, 0, 0);
    float a = U(0.3f, 0.8f), b = U(0.3f, 0.8f), e = U(0.25f, 0.8f), round = U(0.05f, 0.9f) * fminf(a, fminf(b, e));
    int kind = pick(r, 4), mat = m[pick(r, 4) == 0];
    Part *p = kind == 0   ? block(s, c, a, b, e, round, mat, blend)
              : kind == 1 ? frustum(s, c, a, a * U(0.2f, 1), b, round, mat, blend)
                          : ball(s, c, a, b, e, mat, blend);
    spin(p, 0, U(-3, 3)), spin(p, 1, U(-3, 3)), spin(p, 2, U(-3, 3));
  }
  for (int i = 0; i < cuts; i++) { /* a flat face: a large block from outside to within the body */
    Part *p = cutting(block(s, v3(0, 0, 0), 3, 3, 3, 0.01f, m[0], edge));
    spin(p, 0, U(-3, 3)), spin(p, 1, U(-3, 3));
    p->centre = turn(&p->rotation, v3(0, 3 + U(0.25f, 0.7f), 0));
  }
  if (chance(r, 0.25f)) cutting(ball(s, unit(v3(U(-1, 1), U(-1, 1), U(-1, 1))), U(0.2f, 0.7f), U(0.2f, 0.7f), U(0.2f, 0.7f), m[1], edge));
}
void solids(Scene *s, Random *r) { /* random solids joined and cut, at any angle to each other */
  int m[3] = {add_material(s, r), add_material(s, r), add_material(s, r)}, n = 1 + pick(r, 6), aligned = chance(r, 0.5f), apart = chance(r, 0.3f);
  float xy[2 * OUTLINE_POINTS_MAX], blend = chance(r, 0.5f) ? 0 : U(0.01f, 0.1f), spread = n == 1 ? 0 : apart ? 1 : 0.5f;
  for (int i = 0; i < n; i++) {
    vec3 c = v3(U(-spread, spread), U(-spread, spread), U(-spread, spread));
    float a = U(0.15f, 0.6f), b = U(0.15f, 0.6f), e = U(0.08f, 0.6f), k = apart ? -1 : blend;
    int kind = pick(r, 7), mat = m[pick(r, 3)];
    Part *p;
    if (kind == 0) p = block(s, c, a, b, e, U(0.005f, 0.15f), mat, k);
    else if (kind == 1) p = cylinder(s, c, a, b, U(0.005f, 0.1f), mat, k);
    else if (kind == 2) p = frustum(s, c, a, a * U(0.05f, 0.9f), b, 0.02f, mat, k);
    else if (kind == 3) p = torus(s, c, a, a * U(0.15f, 0.5f), mat, k);
    else if (kind == 4) p = ball(s, c, a, b, e, mat, k);
    else if (kind == 5) { int points = random_outline(r, xy); p = extrusion(s, c, xy, points, e, U(0.01f, 0.1f), mat, k); p->scale = a + 0.2f; }
    else p = rod(s, v3(-b, 0, 0), v3(b, 0, 0), e * 0.4f, e * 0.3f, mat, k), p->centre = c;
    if (!aligned) spin(p, 0, U(-3, 3)), spin(p, 1, U(-3, 3));
    else if (chance(r, 0.5f)) spin(p, pick(r, 3), 1.5708f);
    if (i && chance(r, 0.2f)) p->op = CUT;
  }
}
