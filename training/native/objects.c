/* Things that are made: vessels, furniture, buildings, vehicles, devices, tools. */
#include "scene.h"
#include "recipes.h"

#define U(a, b) uniform(r, a, b)
#define BOTH for (int side = -1; side <= 1; side += 2)

/* A random smooth profile: radius at n heights between -h and h. */
static int random_profile(Random *r, float h, float *xy, int solid) {
  int n = 8 + pick(r, 8), count = 0;
  float base = U(0.2f, 0.7f), a = U(-0.3f, 0.3f), b = U(-0.25f, 0.25f), p = U(0, 6), q = U(0, 6), wall = U(0.04f, 0.1f), f = U(1, 2.5f), taper = U(-0.5f, 0.5f);
  float radius[20];
  for (int i = 0; i < n; i++) {
    float t = (float)i / (n - 1);
    radius[i] = fmaxf(base * (1 + taper * (t - 0.5f)) + a * sinf(f * 3.1f * t + p) + b * sinf(f * 6 * t + q) * 0.4f, 0.07f);
  }
  xy[2 * count] = 0, xy[2 * count + 1] = -h, count++;
  for (int i = 0; i < n; i++) xy[2 * count] = radius[i], xy[2 * count + 1] = -h + 2 * h * i / (n - 1), count++;
  if (!solid)
    for (int i = n - 1; i > 0; i--) xy[2 * count] = fmaxf(radius[i] - wall, 0.01f), xy[2 * count + 1] = -h + 2 * h * i / (n - 1) + (i == 1 ? wall * 0.5f : 0), count++;
  float top = xy[2 * count - 1];
  xy[2 * count] = 0, xy[2 * count + 1] = solid ? h : top, count++;
  return count;
}
void vessel(Scene *s, Random *r) { /* cups, bowls, vases, pots, with handles, spouts and contents */
  int clay = add_material(s, r), other = add_material(s, r);
  float xy[2 * OUTLINE_POINTS_MAX], h = U(0.25f, 1.1f);
  int open = chance(r, 0.65f), n;
  if (chance(r, 0.35f)) { /* a plain cup */
    float a = U(0.4f, 0.8f), b = a * U(0.6f, 1.2f), wall = U(0.04f, 0.1f);
    float cup[] = {0, -h, b, -h, a, h, a - wall, h, b - wall, -h + wall, 0, -h + wall};
    n = 6, memcpy(xy, cup, sizeof cup);
  } else n = random_profile(r, h, xy, !open);
  lathe(s, v3(0, 0, 0), xy, n, U(0.005f, 0.05f), clay, 0);
  float rim = xy[2 * (n / 2)], side_radius = xy[2 * (n / 3)];
  if (open && chance(r, 0.4f)) cylinder(s, v3(0, h * U(0.2f, 0.9f), 0), rim * 0.9f, 0.03f, 0.01f, other, -1);
  if (chance(r, 0.5f)) {
    float e = U(0.03f, 0.09f), out = U(0.2f, 0.7f), y0 = -h * U(0.1f, 0.7f), y1 = h * U(0.2f, 0.8f);
    float yaw = U(-0.6f, 0.6f);
    int two = chance(r, 0.25f);
    BOTH if (two || side > 0) {
      int from = s->part_count;
      tube(s, v3(side * side_radius * 0.9f, y0, 0), v3(side * (side_radius + 2 * out), 0.5f * (y0 + y1), 0), v3(side * side_radius * 0.9f, y1, 0), e, e, chance(r, 0.7f) ? clay : other, 0.03f);
      tilt_parts(s, from, 1, yaw, v3(0, 0, 0));
    }
  }
  if (chance(r, 0.2f)) tube(s, v3(-side_radius * 0.8f, -h * 0.2f, 0), v3(-side_radius - 0.3f, -h * 0.2f, 0), v3(-side_radius - U(0.3f, 0.6f), h * U(0.3f, 1), 0), 0.12f, 0.05f, clay, 0.06f);
  if (!open && chance(r, 0.5f)) ball(s, v3(0, h + 0.08f, 0), 0.13f, 0.12f, 0.13f, other, 0.02f);
  if (chance(r, 0.15f)) for (int i = 0; i < 3; i++) rod(s, v3(0, 0, 0), v3(U(-0.5f, 0.5f), h + U(0.3f, 0.8f), U(-0.5f, 0.5f)), 0.05f, 0.05f, other, -1);
}
void turned(Scene *s, Random *r) { /* solid lathe work: bottles, chessmen, lamps, bells, stacked discs */
  int a = add_material(s, r), b = add_material(s, r), n = 2 + pick(r, 5);
  float xy[2 * OUTLINE_POINTS_MAX];
  if (chance(r, 0.4f)) {
    int count = random_profile(r, U(0.6f, 1.1f), xy, 1);
    lathe(s, v3(0, 0, 0), xy, count, U(0.01f, 0.06f), a, 0);
  }
  float y = chance(r, 0.5f) ? -1 : -0.6f, blend = chance(r, 0.4f) ? U(0.03f, 0.15f) : 0;
  for (int i = 0; i < n; i++) {
    float h = U(0.05f, 0.4f), w = U(0.15f, 0.8f);
    int m = pick(r, 2) ? a : b, kind = pick(r, 4);
    y += h;
    if (kind == 0) cylinder(s, v3(0, y, 0), w, h, U(0.01f, 0.1f), m, blend);
    else if (kind == 1) frustum(s, v3(0, y, 0), w, w * U(0.2f, 1.4f), h, U(0.01f, 0.06f), m, blend);
    else if (kind == 2) ball(s, v3(0, y, 0), w, h * 1.2f, w, m, blend);
    else torus(s, v3(0, y, 0), w, h * 0.6f, m, blend);
    y += h * 0.9f;
  }
}
void furniture(Scene *s, Random *r) {
  int wood = add_material(s, r), cloth = add_material(s, r), kind = pick(r, 4), round_legs = chance(r, 0.5f);
  float w = U(0.4f, 1), d = U(0.4f, 0.9f), h = U(0.3f, 0.8f), top = U(0.04f, 0.14f), leg = U(0.03f, 0.1f), splay = chance(r, 0.4f) ? U(0, 0.2f) : 0, bevel = U(0.01f, 0.08f);
  if (kind == 3) { /* shelf or drawer unit */
    int n = 1 + pick(r, 3), open = chance(r, 0.5f);
    block(s, v3(0, 0, 0), w * 0.8f, h * 1.3f, d * 0.6f, bevel, wood, 0);
    for (int i = 0; i < n; i++) {
      float y = h * 1.3f * (2 * (i + 0.5f) / n - 1);
      if (open) { Part *p = block(s, v3(0, y, d * 0.3f), w * 0.7f, h * 1.1f / n, d * 0.5f, 0.02f, cloth, 0.01f); p->op = CUT; }
      else block(s, v3(0, y, d * 0.6f), w * 0.7f, h * 1.1f / n, 0.04f, 0.02f, cloth, 0), ball(s, v3(0, y, d * 0.6f + 0.08f), 0.06f, 0.06f, 0.06f, wood, 0);
    }
    return;
  }
  if (chance(r, 0.3f)) cylinder(s, v3(0, 0, 0), w, top, bevel, cloth, 0), d = w;
  else block(s, v3(0, 0, 0), w, top, d, bevel, cloth, 0);
  if (chance(r, 0.2f)) cylinder(s, v3(0, -h, 0), leg * 1.5f, h, 0.01f, wood, -1), cylinder(s, v3(0, -2 * h, 0), w * 0.6f, 0.05f, 0.02f, wood, 0.04f);
  else BOTH for (int end = -1; end <= 1; end += 2) {
    vec3 a = v3(side * (w * 0.85f - leg), 0, end * (d * 0.85f - leg));
    if (round_legs) rod(s, a, add(a, v3(side * splay, -2 * h, end * splay)), leg, leg * U(0.6f, 1), wood, -1);
    else block(s, add(a, v3(0, -h, 0)), leg, h, leg, 0.01f, wood, -1);
  }
  if (kind == 1) block(s, v3(0, h, -d * 0.9f), w, h, top, bevel, chance(r, 0.5f) ? cloth : wood, -1);
  if (kind == 2) { /* sofa */
    block(s, v3(0, h * 0.7f, -d * 0.8f), w, h * 0.8f, 0.18f, 0.12f, cloth, 0.02f);
    BOTH block(s, v3(side * w, h * 0.2f, 0), 0.15f, h * 0.5f, d, 0.1f, cloth, 0.02f);
  }
  if (chance(r, 0.3f)) ball(s, v3(U(-0.3f, 0.3f) * w, top + 0.2f, U(-0.3f, 0.3f) * d), 0.2f, 0.2f, 0.2f, wood, -1);
}
void building(Scene *s, Random *r) {
  int wall = add_material(s, r), roof = add_material(s, r), hole = add_material(s, r), n = 1 + pick(r, 3);
  for (int i = 0; i < n; i++) {
    float w = U(0.3f, 0.8f), h = U(0.3f, 0.9f), d = U(0.3f, 0.8f), x = i ? U(-0.8f, 0.8f) : 0, z = i ? U(-0.5f, 0.5f) : 0;
    int kind = pick(r, 4), from = s->part_count;
    if (kind == 3) cylinder(s, v3(0, h, 0), w * 0.7f, h, 0.01f, wall, -1);
    else block(s, v3(0, h, 0), w, h, d, 0.02f, wall, -1);
    if (kind == 0) { /* gable */
      float e = U(0.25f, 0.6f), over = w * U(1, 1.25f), xy[] = {-over, 0, over, 0, 0, e};
      extrusion(s, v3(0, 2 * h, 0), xy, 3, d * U(1, 1.2f), 0.02f, roof, 0);
    } else if (kind == 1) { float xy[] = {0, 0, w * 1.3f, 0, 0, U(0.4f, 0.9f)}; lathe(s, v3(0, 2 * h, 0), xy, 3, 0.01f, roof, 0); }
    else if (kind == 2) block(s, v3(0, 2 * h, 0), w * 1.1f, 0.06f, d * 1.1f, 0.02f, roof, 0);
    else if (chance(r, 0.5f)) ball(s, v3(0, 2 * h, 0), w * 0.75f, w * U(0.5f, 0.9f), w * 0.75f, roof, 0);
    else frustum(s, v3(0, 2 * h + 0.3f, 0), w * 0.9f, 0.04f, 0.3f, 0.01f, roof, 0);
    int holes = 1 + pick(r, 4);
    for (int k = 0; k < holes; k++) {
      float y = h * U(0.4f, 1.7f), hx = w * U(-0.6f, 0.6f);
      Part *p = block(s, v3(hx, y, d), w * U(0.1f, 0.2f), h * U(0.1f, 0.25f), chance(r, 0.5f) ? 0.06f : 0.2f, 0.01f, hole, 0);
      if (chance(r, 0.6f)) p->op = CUT;
    }
    if (chance(r, 0.3f)) block(s, v3(w * 0.5f, 2 * h + 0.3f, -d * 0.3f), 0.09f, 0.3f, 0.09f, 0.01f, wall, -1);
    move_parts(s, from, 1, v3(x, 0, z));
  }
  if (chance(r, 0.4f)) block(s, v3(0, -0.05f, 0), U(0.9f, 1.4f), 0.06f, U(0.8f, 1.3f), 0.03f, hole, -1);
}
static void wheels(Scene *s, Random *r, float x, float y, float front, float back, float radius, int tyre, int hub) {
  BOTH for (int end = 0; end < 2; end++) {
    vec3 c = v3(side * x, y, end ? front : back);
    spin(cylinder(s, c, radius, radius * U(0.3f, 0.5f), radius * 0.15f, tyre, -1), 2, 1.57f);
    spin(cylinder(s, add(c, v3(side * radius * 0.2f, 0, 0)), radius * 0.5f, radius * 0.35f, 0.01f, hub, 0), 2, 1.57f);
  }
}
void vehicle(Scene *s, Random *r) {
  int paint = add_material(s, r), other = add_material(s, r), glass = add_plain(s, r, 0.3f, 0.5f, 0.65f), tyre = add_plain(s, r, 0.08f, 0.08f, 0.09f), kind = pick(r, 4);
  float w = U(0.3f, 0.5f), h = U(0.15f, 0.35f), l = U(0.6f, 1.1f), wheel = U(0.15f, 0.28f), bevel = U(0.03f, 0.15f);
  if (kind < 2) { /* cars, vans, lorries, buses */
    block(s, v3(0, 0, 0), w, h, l, bevel, paint, 0);
    float cab = l * U(0.35f, 0.95f), at = U(-0.4f, 0.4f) * (l - cab), up = U(0.15f, 0.6f);
    if (kind == 0) ball(s, v3(0, h, at), w * 0.85f, up * 1.3f, cab, glass, 0.08f), block(s, v3(0, h + up * 0.6f, at), w * 0.7f, up * 0.5f, cab * 0.6f, 0.08f, paint, 0.05f);
    else block(s, v3(0, h + up, at), w * U(0.85f, 1), up, cab, bevel, chance(r, 0.5f) ? paint : other, 0.02f), block(s, v3(0, h + up, at), w * 1.02f, up * 0.5f, cab * 0.85f, 0.02f, glass, 0);
    wheels(s, r, w, -h, l * 0.6f, -l * 0.6f, wheel, tyre, other);
    BOTH ball(s, v3(side * w * 0.7f, 0, l), 0.08f, 0.08f, 0.05f, other, 0);
  } else if (kind == 2) { /* aircraft, rockets */
    rod(s, v3(0, 0, -l), v3(0, 0, l), h * U(0.3f, 0.8f), h * U(0.7f, 1.2f), paint, 0);
    float span = U(0.6f, 1.3f), sweep = U(-0.5f, 0.2f);
    BOTH {
      Part *p = block(s, v3(side * span * 0.5f, U(-0.1f, 0.1f), sweep * 0.5f), span * 0.55f, 0.04f, U(0.12f, 0.3f), 0.03f, other, 0.05f);
      spin(p, 1, -side * atanf(sweep / span));
      spin(block(s, v3(side * 0.25f, 0.05f, -l), 0.25f, 0.03f, 0.1f, 0.02f, other, 0.02f), 1, side * 0.3f);
      if (chance(r, 0.5f)) rod(s, v3(side * span * 0.5f, -0.12f, -0.1f), v3(side * span * 0.5f, -0.12f, 0.2f), 0.09f, 0.09f, glass, 0.02f);
    }
    block(s, v3(0, 0.25f, -l), 0.03f, 0.25f, 0.15f, 0.02f, other, 0.02f);
    if (chance(r, 0.4f)) tilt_parts(s, 0, 0, -1.57f, v3(0, 0, 0));
  } else { /* boats, trains */
    float xy[] = {-l, h, l, h, l * U(0.5f, 0.9f), -h, -l * U(0.6f, 1), -h};
    spin(extrusion(s, v3(0, 0, 0), xy, 4, w, U(0.03f, 0.2f), paint, 0), 1, 1.57f);
    int n = 1 + pick(r, 3);
    for (int i = 0; i < n; i++) block(s, v3(0, h + 0.2f, U(-0.6f, 0.5f) * l), w * U(0.4f, 0.8f), U(0.15f, 0.35f), U(0.1f, 0.35f), 0.04f, other, 0);
    if (chance(r, 0.6f)) cylinder(s, v3(0, h + 0.5f, U(-0.5f, 0.5f) * l), U(0.05f, 0.14f), U(0.2f, 0.6f), 0.01f, glass, 0);
    if (chance(r, 0.3f)) wheels(s, r, w, -h, l * 0.6f, -l * 0.6f, wheel, tyre, other);
  }
}
void device(Scene *s, Random *r) { /* cameras, radios, phones, books, laptops, boxes with knobs */
  int body = add_material(s, r), a = add_material(s, r), b = add_material(s, r);
  float w = U(0.4f, 1), h = U(0.3f, 1), d = U(0.06f, 0.7f), bevel = U(0.01f, 0.2f);
  block(s, v3(0, 0, 0), w, h, d, bevel, body, 0);
  int n = pick(r, 6);
  if (chance(r, 0.6f)) {
    Part *p = block(s, v3(0, U(-0.1f, 0.3f) * h, d), w * U(0.5f, 0.9f), h * U(0.3f, 0.65f), 0.05f, 0.03f, a, 0.01f);
    if (chance(r, 0.4f)) p->op = CUT;
  }
  for (int i = 0; i < n; i++) {
    vec3 c = v3(U(-0.8f, 0.8f) * w, U(-0.8f, 0.8f) * h, d);
    int kind = pick(r, 4), m = pick(r, 2) ? a : b;
    float e = U(0.05f, 0.3f) * fminf(w, h);
    if (kind == 0) spin(cylinder(s, c, e, U(0.04f, 0.4f), 0.02f, m, 0), 0, 1.57f);
    else if (kind == 1) ball(s, c, e, e, e * U(0.3f, 1), m, 0);
    else if (kind == 2) block(s, c, e, e * U(0.3f, 1), U(0.03f, 0.12f), 0.02f, m, 0);
    else { Part *p = cylinder(s, c, e, U(0.05f, 2) * d, 0.01f, m, 0.01f); spin(p, 0, 1.57f); p->op = CUT; }
  }
  if (chance(r, 0.3f)) tube(s, v3(-w * 0.7f, h, 0), v3(0, h + U(0.4f, 1), 0), v3(w * 0.7f, h, 0), 0.06f, 0.06f, b, 0.02f);
  if (chance(r, 0.25f)) { Part *p = block(s, v3(0, -h, d * 0.5f + h * 0.7f), w, 0.06f, h * 0.7f, 0.03f, body, 0.01f); spin(p, 0, U(-0.1f, 0.4f)); } /* keyboard, stand */
  if (chance(r, 0.15f)) tilt_parts(s, 0, 0, -1.57f, v3(0, 0, 0));
}
void tool(Scene *s, Random *r) { /* a handle with something at its end, lying at any angle */
  int grip = add_material(s, r), end = add_material(s, r), kind = pick(r, 7);
  float l = U(0.6f, 1.2f), e = U(0.04f, 0.13f), z = U(0.02f, 0.2f);
  if (chance(r, 0.5f)) rod(s, v3(0, -l, 0), v3(0, l * 0.7f, 0), e * U(0.8f, 1.5f), e, grip, 0);
  else cylinder(s, v3(0, -0.15f * l, 0), e, l * 0.85f, 0.02f, grip, 0);
  vec3 c = v3(0, l * 0.7f, 0);
  if (kind == 0) spin(block(s, c, U(0.1f, 0.2f), U(0.25f, 0.6f), U(0.1f, 0.2f), 0.04f, end, 0), 2, 1.57f);
  else if (kind == 1) ball(s, add(c, v3(0, 0.2f, 0)), U(0.15f, 0.4f), U(0.2f, 0.45f), z, end, 0.04f);
  else if (kind == 2) frustum(s, add(c, v3(0, 0.25f, 0)), e, U(0.01f, 0.5f), U(0.15f, 0.4f), 0.01f, end, 0);
  else if (kind == 3) spin(torus(s, add(c, v3(0, 0.35f, 0)), U(0.25f, 0.5f), U(0.04f, 0.1f), end, 0.03f), 0, 1.57f);
  else if (kind == 4) block(s, add(c, v3(U(-0.2f, 0.2f), 0.2f, 0)), U(0.15f, 0.4f), U(0.2f, 0.5f), z * 0.6f, 0.03f, end, 0.02f);
  else if (kind == 5) for (int i = -1; i <= 1; i++) tube(s, c, add(c, v3(0.25f * i, 0.1f, 0)), add(c, v3(0.2f * i, U(0.4f, 0.6f), 0)), 0.05f, 0.03f, end, 0.03f);
  else { ball(s, add(c, v3(0, 0.25f, 0)), 0.3f, 0.3f, 0.3f, end, 0.02f); if (chance(r, 0.5f)) torus(s, c, 0.3f, 0.05f, grip, 0); }
  if (chance(r, 0.4f)) torus(s, v3(0, U(-0.5f, 0.5f) * l, 0), e * 1.2f, e * 0.4f, end, 0);
  if (chance(r, 0.2f)) for (int i = s->part_count - 1, n = i; i >= 0 && n < PARTS_MAX / 2; i--) { Part copy = s->parts[i]; copy.centre = add(copy.centre, v3(0.5f, 0, -0.3f)); Part *p = place(s, copy); *p = copy; p->op = FRESH; }
  tilt_parts(s, 0, 0, chance(r, 0.5f) ? 0 : U(-1.4f, 1.4f), v3(0, 0, 0));
  tilt_parts(s, 0, 2, (chance(r, 0.5f) ? 1 : -1) * U(0, 1.2f), v3(0, 0, 0));
}
