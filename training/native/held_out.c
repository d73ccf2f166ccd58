/* Kinds of shape that the training set never holds, for evaluation alone: other primitives, built in another way. */
#include "scene.h"

#define U(a, b) uniform(r, a, b)
#define BOTH for (int side = -1; side <= 1; side += 2)

static Part *new_metaballs(Scene *s, int material, float ripple, float frequency) {
  Part p = {.shape = METABALLS, .op = FRESH, .material = material, .size = {FAR, ripple, frequency}};
  p.outline = s->outline_count++;
  s->outlines[p.outline].count = 0;
  return place(s, p);
}
static void limb(Scene *s, Part *p, vec3 a, vec3 b, float ra, float rb, int n) {
  Outline *o = &s->outlines[p->outline];
  for (int i = 0; i < n && o->count + 2 <= OUTLINE_POINTS_MAX; i++) {
    float t = n == 1 ? 0 : (float)i / (n - 1), radius = mix(ra, rb, t);
    vec3 q = add(mul(a, 1 - t), mul(b, t));
    o->x[o->count] = q.x, o->y[o->count] = q.y, o->z[o->count] = q.z, o->x[o->count + 1] = radius, o->count += 2;
    p->size[0] = fminf(p->size[0], radius), p->bound = fmaxf(p->bound, length(q) + 2.6f * radius);
  }
}
static int hide(Scene *s, Random *r) { /* scans are dull: earth colours, matt */
  float v = U(0.2f, 0.8f);
  int m = add_plain(s, r, v, v * U(0.7f, 1), v * U(0.5f, 0.9f));
  s->materials[m].gloss = U(0, 0.3f);
  if (chance(r, 0.5f)) s->materials[m].pattern = PATCHES, s->materials[m].colour[1] = v3(0.3f * v, 0.25f * v, 0.2f * v), s->materials[m].frequency = U(1, 4);
  return m;
}
static void scanned_animal(Scene *s, Random *r) {
  Part *p = new_metaballs(s, hide(s, r), U(0.004f, 0.02f), U(9, 22));
  float l = U(0.5f, 0.9f), sag = U(-0.1f, 0.1f), leg = U(0.3f, 0.75f), thick = U(0.09f, 0.15f), body = U(0.24f, 0.4f);
  limb(s, p, v3(0, 0, -l), v3(0, sag, 0), body * 0.75f, body * 0.7f, 4), limb(s, p, v3(0, sag, 0.2f), v3(0, 0.05f, l), body * 0.7f, body * 0.8f, 3);
  BOTH {
    float gait = U(-0.2f, 0.2f);
    limb(s, p, v3(side * 0.17f, -0.15f, l * 0.9f), v3(side * 0.2f, -0.2f - leg, l * 0.9f + gait), thick * 1.3f, thick, 4);
    limb(s, p, v3(side * 0.17f, -0.1f, -l * 0.9f), v3(side * 0.2f, -0.15f - leg * 0.5f, -l - 0.12f), thick * 1.7f, thick * 1.1f, 3);
    limb(s, p, v3(side * 0.2f, -0.15f - leg * 0.5f, -l - 0.12f), v3(side * 0.2f, -0.2f - leg, -l * 0.95f - gait), thick, thick, 3);
  }
  vec3 neck = v3(U(-0.15f, 0.15f), U(0.25f, 0.8f), l + U(0.1f, 0.4f)), nose = add(neck, v3(U(-0.2f, 0.2f), U(-0.25f, 0.05f), U(0.2f, 0.5f)));
  limb(s, p, v3(0, 0.1f, l), neck, body * 0.6f, body * 0.5f, 3), limb(s, p, neck, nose, body * 0.6f, body * 0.3f, 3);
  BOTH limb(s, p, add(neck, v3(side * 0.1f, 0.06f, 0)), add(neck, v3(side * 0.17f, U(0.2f, 0.3f), -0.03f)), 0.11f, 0.08f, 3);
  limb(s, p, v3(0, 0.05f, -l), v3(U(-0.3f, 0.3f), U(-0.4f, 0.3f), -l - U(0.3f, 0.7f)), 0.1f, 0.07f, 4);
}
static void statue(Scene *s, Random *r) { /* a draped standing or kneeling figure, eroded */
  Part *p = new_metaballs(s, hide(s, r), U(0.005f, 0.025f), U(8, 20));
  float h = U(0.7f, 1.2f), lean = U(-0.2f, 0.2f);
  limb(s, p, v3(0, -h, 0), v3(lean, 0, 0), U(0.25f, 0.5f), 0.26f, 6), limb(s, p, v3(lean - 0.2f, 0.15f, 0), v3(lean + 0.2f, 0.15f, 0), 0.2f, 0.2f, 3);
  limb(s, p, v3(lean, 0.35f, 0), v3(lean * 1.3f, 0.55f, 0.05f), 0.12f, 0.25f, 3);
  BOTH {
    vec3 shoulder = v3(lean + side * 0.3f, 0.15f, 0), elbow = add(shoulder, v3(side * U(0, 0.25f), U(-0.35f, 0.1f), U(0, 0.2f))), hand = add(elbow, v3(U(-0.2f, 0.2f), U(-0.25f, 0.35f), U(0.1f, 0.4f)));
    limb(s, p, shoulder, elbow, 0.14f, 0.11f, 3), limb(s, p, elbow, hand, 0.11f, 0.09f, 3);
  }
  if (chance(r, 0.5f)) block(s, v3(0, -h - 0.35f, 0), 0.6f, 0.15f, 0.5f, 0.01f, hide(s, r), -1);
}
static void drill(Scene *s, vec3 c, float radius, float half, int axis, int m) {
  Part *p = cylinder(s, c, radius, half, 0.001f, m, 0);
  p->op = CUT;
  if (axis != 1) spin(p, axis == 0 ? 2 : 0, 1.5708f);
}
static void machine_part(Scene *s, Random *r) {
  int m = add_plain(s, r, U(0.4f, 0.8f), U(0.4f, 0.8f), U(0.4f, 0.85f)), kind = pick(r, 4);
  s->materials[m].metal = U(0, 0.8f);
  if (kind == 0) { /* gear with hub, bore and lightening holes */
    float radius = U(0.7f, 1), tooth = U(0.1f, 0.2f), half = U(0.08f, 0.35f);
    Part g = {.shape = GEAR, .op = FRESH, .material = m, .size = {radius, tooth, (float)(8 + pick(r, 16)), half}, .bound = radius + tooth + half};
    place(s, g);
    Part *hub = cylinder(s, v3(0, 0, 0), U(0.25f, 0.4f), half * U(1, 2), 0.01f, m, 0);
    spin(hub, 0, 1.5708f), drill(s, v3(0, 0, 0), U(0.1f, 0.2f), 2, 2, m);
    for (int i = 0, n = chance(r, 0.6f) ? 3 + pick(r, 4) : 0; i < n; i++) drill(s, v3(0.58f * radius * cosf(6.2832f * i / n), 0.58f * radius * sinf(6.2832f * i / n), 0), 0.13f, 2, 2, m);
  } else if (kind == 1) { /* bracket */
    float w = U(0.3f, 0.7f), t = U(0.06f, 0.15f), a = U(0.5f, 0.9f), b = U(0.4f, 0.9f);
    block(s, v3(0, -t, b), w, t, b, 0.01f, m, 0), block(s, v3(0, a, -t), w, a + 2 * t, t, 0.01f, m, 0);
    float xy[] = {0, 0, b * 1.2f, 0, 0, a * 1.2f};
    if (chance(r, 0.6f)) spin(extrusion(s, v3(0, 0, 0), xy, 3, t * 0.7f, 0.002f, m, 0), 1, -1.5708f);
    BOTH drill(s, v3(side * w * 0.55f, 0, b * 1.3f), w * 0.2f, 1, 1, m), drill(s, v3(side * w * 0.55f, a * 1.3f, 0), w * 0.2f, 1, 2, m);
  } else if (kind == 2) { /* flange */
    float radius = U(0.6f, 1), half = U(0.08f, 0.2f), pipe = radius * U(0.35f, 0.6f), up = U(0.3f, 1.1f);
    cylinder(s, v3(0, 0, 0), radius, half, 0.01f, m, 0), cylinder(s, v3(0, up, 0), pipe, up, 0.01f, m, 0.05f);
    if (chance(r, 0.5f)) cylinder(s, v3(0, 2 * up, 0), radius, half, 0.01f, m, 0);
    drill(s, v3(0, 0, 0), pipe * 0.8f, 4, 1, m);
    for (int i = 0, n = 4 + pick(r, 5); i < n; i++) drill(s, v3(0.8f * radius * cosf(6.2832f * i / n), 0, 0.8f * radius * sinf(6.2832f * i / n)), radius * 0.09f, 4, 1, m);
  } else { /* nut, or bolt */
    float xy[12], half = U(0.2f, 0.5f), bolt = chance(r, 0.5f);
    for (int i = 0; i < 6; i++) xy[2 * i] = cosf(1.0472f * i), xy[2 * i + 1] = sinf(1.0472f * i);
    extrusion(s, v3(0, 0, 0), xy, 6, half, 0.01f, m, 0);
    if (!bolt) drill(s, v3(0, 0, 0), U(0.45f, 0.65f), 2, 2, m);
    else {
      spin(cylinder(s, v3(0, 0, 1.2f), 0.45f, 1.2f, 0.03f, m, 0), 0, 1.5708f);
      for (int i = 0; i < 8; i++) spin(torus(s, v3(0, 0, half + 0.9f + 0.17f * i), 0.44f, 0.06f, m, 0.02f), 0, 1.5708f);
    }
  }
}
static void thin_rods(Scene *s, Random *r) {
  int m = add_material(s, r), joint = add_material(s, r), kind = pick(r, 3);
  float e = U(0.025f, 0.06f);
  if (kind == 0) { /* wire box with balls at its corners */
    vec3 h = v3(U(0.5f, 1), U(0.5f, 1), U(0.5f, 1));
    for (int i = 0; i < 8; i++) {
      vec3 a = v3(i & 1 ? h.x : -h.x, i & 2 ? h.y : -h.y, i & 4 ? h.z : -h.z);
      ball(s, a, 2 * e, 2 * e, 2 * e, joint, -1);
      for (int k = 0; k < 3; k++)
        if (!(i & (1 << k))) rod(s, a, v3(k == 0 ? h.x : a.x, k == 1 ? h.y : a.y, k == 2 ? h.z : a.z), e, e, m, 0);
    }
  } else if (kind == 1) { /* lattice tower */
    int n = 3 + pick(r, 3);
    float taper = U(0.3f, 0.9f), w = U(0.35f, 0.6f);
    vec3 corner[4][8];
    for (int k = 0; k < 4; k++) for (int i = 0; i <= n; i++) { float t = (float)i / n, q = w * mix(1, taper, t); corner[k][i] = v3((k == 0 || k == 3) ? -q : q, 2 * t - 1, k < 2 ? -q : q); }
    for (int k = 0; k < 4; k++) {
      rod(s, corner[k][0], corner[k][n], e, e, m, k ? -1 : 0);
      for (int i = 0; i < n && s->outline_count < OUTLINES_MAX - 2; i++) rod(s, corner[k][i], corner[(k + 1) % 4][i + 1], e * 0.8f, e * 0.8f, joint, -1);
    }
  } else for (int i = 0, n = 6 + pick(r, 8); i < n; i++) { /* jack or antenna: rods through the middle */
    float z = U(-1, 1), a = U(0, 6.28f), q = sqrtf(1 - z * z);
    vec3 d = v3(q * cosf(a), z, q * sinf(a));
    rod(s, v3(0, 0, 0), d, e, e, m, i ? 0 : -1), ball(s, d, 2.2f * e, 2.2f * e, 2.2f * e, joint, -1);
  }
}
static void coil(Scene *s, Random *r) { /* springs, torus knots, shells */
  int m = add_material(s, r), kind = pick(r, 3), n = OUTLINE_POINTS_MAX;
  Part p = {.shape = CURVE, .op = FRESH, .material = m, .outline = s->outline_count++};
  Outline *o = &s->outlines[p.outline];
  o->count = n;
  float turns = 3 + pick(r, 4), big = U(0.5f, 0.8f), e = U(0.08f, 0.15f), knot = 2 + pick(r, 2);
  for (int i = 0; i < n; i++) {
    float t = (float)i / (n - 1), a = 6.2832f * t;
    if (kind == 0) o->x[i] = big * cosf(a * turns), o->z[i] = big * sinf(a * turns), o->y[i] = (2 * t - 1) * (0.25f + turns * e * 1.3f);
    else if (kind == 1) { float q = big * (1 + 0.4f * cosf(3 * a)); o->x[i] = q * cosf(knot * a), o->y[i] = q * sinf(knot * a), o->z[i] = big * 0.5f * sinf(3 * a); }
    else { float q = 0.85f * expf(-2.2f * t); o->x[i] = q * cosf(a * 3), o->z[i] = q * sinf(a * 3), o->y[i] = 1.4f * (1 - expf(-2.2f * t)); }
    p.bound = fmaxf(p.bound, sqrtf(o->x[i] * o->x[i] + o->y[i] * o->y[i] + o->z[i] * o->z[i]) + 0.5f);
  }
  p.size[0] = kind == 2 ? 0.42f : e, p.size[1] = kind == 2 ? 0.04f : e;
  place(s, p);
}

void build_held_out_shape(Scene *s, Random *r, int kind) {
  static void (*const kinds[])(Scene *, Random *) = {scanned_animal, statue, machine_part, thin_rods, coil};
  kinds[kind](s, r);
}
