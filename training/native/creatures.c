/* Things that live: figures, four-legged animals, heads, birds, fish, insects. All are symmetric in x and face +z. */
#include "scene.h"
#include "recipes.h"

#define U(a, b) uniform(r, a, b)
#define BOTH for (int side = -1; side <= 1; side += 2)

static void ears(Scene *s, Random *r, vec3 c, float size, int fur, int inner) {
  int kind = pick(r, 5);
  float out = U(0.5f, 0.95f), up = sqrtf(1 - out * out * 0.9f), long_ear = U(0.8f, 2.2f), thick = U(0.12f, 0.35f);
  BOTH {
    vec3 at = add(c, v3(side * out * size, up * size, U(-0.1f, 0.05f) * size));
    float e = size * U(0.28f, 0.45f);
    if (kind == 0) ball(s, at, e, e, e * U(0.4f, 0.8f), fur, e * 0.3f), ball(s, add(at, v3(0, 0, e * 0.35f)), e * 0.6f, e * 0.6f, e * 0.3f, inner, 0);
    else if (kind == 1) spin(frustum(s, at, e * 0.8f, e * 0.1f, e * long_ear * 0.7f, e * 0.05f, fur, e * 0.3f), 2, -side * 0.4f);
    else if (kind == 2) spin(ball(s, add(at, v3(0, e * long_ear * 0.8f, 0)), e * 0.55f, e * long_ear * 1.2f, e * thick * 1.4f, fur, e * 0.2f), 2, -side * U(0, 0.5f));
    else if (kind == 3) spin(ball(s, add(at, v3(side * e * 0.7f, -e * U(0.2f, 1.4f), 0)), e * 0.5f, e * long_ear, e * thick * 1.3f, fur, e * 0.2f), 2, side * U(0, 0.9f));
    else tube(s, at, add(at, v3(side * e, e * 0.8f, 0)), add(at, v3(side * e * U(0.3f, 1.6f), e * long_ear * 1.5f, U(-1, 1) * e)), e * 0.35f, e * 0.08f, inner, 0);
  }
}
static void eyes(Scene *s, Random *r, vec3 c, vec3 radius, int white, int dark) {
  float spread = U(0.25f, 0.6f), up = U(-0.05f, 0.4f), e = U(0.08f, 0.24f) * fminf(radius.x, radius.y), tall = U(0.9f, 1.5f);
  float depth = sqrtf(fmaxf(1 - spread * spread - up * up, 0.05f));
  int goggle = chance(r, 0.35f);
  BOTH {
    vec3 at = add(c, v3(side * spread * radius.x, up * radius.y, depth * radius.z * 0.97f));
    if (goggle) ball(s, at, e * 1.4f, e * 1.4f * tall, e * U(0.5f, 1.2f), white, 0), at = add(at, v3(-side * e * 0.2f, 0, e * 0.5f));
    ball(s, at, e, e * tall, e * U(0.3f, 0.8f), dark, 0);
  }
}
static void muzzle(Scene *s, Random *r, vec3 c, vec3 radius, int fur, int pale, int dark) {
  float w = U(0.25f, 0.6f) * radius.x, h = w * U(0.55f, 0.95f), l = U(0.2f, 1.1f) * radius.z, down = U(0, 0.45f) * radius.y;
  vec3 at = add(c, v3(0, -down, radius.z * 0.75f));
  int kind = pick(r, 4);
  if (kind == 0) ball(s, at, w, h, l * 0.6f + 0.25f * radius.z, pale, radius.x * 0.15f);
  else if (kind == 1) rod(s, sub(at, v3(0, 0, radius.z * 0.4f)), add(at, v3(0, -h * 0.5f, l)), h, h * U(0.4f, 0.9f), chance(r, 0.5f) ? fur : pale, radius.x * 0.2f);
  else if (kind == 2) { Part *p = frustum(s, add(at, v3(0, 0, l * 0.3f)), h * 0.8f, h * 0.1f, l * 0.6f, 0.01f, pale, 0); spin(p, 0, 1.57f + U(0, 0.4f)); }
  else tube(s, at, add(at, v3(0, -h, l)), add(at, v3(U(-0.3f, 0.3f) * w, -radius.y * U(0.3f, 1.6f), l * U(0.3f, 1.5f))), h * 0.6f, h * 0.35f, fur, radius.x * 0.1f); /* trunk */
  if (kind < 2) ball(s, add(at, v3(0, h * 0.35f, kind ? l + h * 0.4f : l * 0.6f + 0.2f * radius.z)), w * 0.35f, w * 0.25f, w * 0.25f, dark, 0);
}
static void head(Scene *s, Random *r, vec3 c, float size, int fur, int pale, int white, int dark) {
  vec3 q = v3(size * U(0.85f, 1.2f), size * U(0.8f, 1.15f), size * U(0.7f, 1.15f));
  ball(s, c, q.x, q.y, q.z, fur, size * U(0.05f, 0.3f));
  if (chance(r, 0.4f)) BOTH ball(s, add(c, v3(side * q.x * 0.45f, -q.y * 0.35f, q.z * 0.45f)), q.x * 0.5f, q.y * 0.45f, q.z * 0.45f, fur, size * 0.2f);
  if (chance(r, 0.75f)) muzzle(s, r, c, q, fur, pale, dark);
  eyes(s, r, c, q, white, dark);
  if (chance(r, 0.8f)) ears(s, r, c, size, fur, pale);
}
static void hair_or_hat(Scene *s, Random *r, vec3 c, float size, int hair, int cloth) {
  int kind = pick(r, 6);
  if (kind < 3) { /* hair: a cap cut away at the face, sometimes a bun or locks */
    ball(s, add(c, v3(0, size * 0.1f, -size * 0.08f)), size * U(1.05f, 1.2f), size * U(1.05f, 1.25f), size * U(1.05f, 1.2f), hair, -1);
    Part *p = ball(s, add(c, v3(0, -size * U(0.3f, 0.6f), size * 0.9f)), size * U(0.7f, 1), size * U(0.8f, 1.1f), size, hair, size * 0.1f);
    p->op = CUT;
    if (kind == 1) ball(s, add(c, v3(0, size * 1.25f, -size * 0.2f)), size * 0.4f, size * 0.4f, size * 0.4f, hair, size * 0.1f);
    if (kind == 2) BOTH tube(s, add(c, v3(side * size * 0.9f, size * 0.2f, -size * 0.2f)), add(c, v3(side * size * 1.5f, -size * 0.5f, -size * 0.2f)), add(c, v3(side * size * 1.1f, -size * U(1, 2.2f), 0)), size * 0.3f, size * 0.15f, hair, size * 0.1f);
  } else if (kind == 3) {
    cylinder(s, add(c, v3(0, size * 0.55f, 0)), size * U(1.2f, 1.7f), size * 0.06f, size * 0.04f, cloth, -1);
    frustum(s, add(c, v3(0, size * 1, 0)), size * 0.95f, size * U(0.4f, 0.95f), size * U(0.35f, 0.6f), size * 0.15f, cloth, size * 0.05f);
  } else if (kind == 4) {
    frustum(s, add(c, v3(0, size * 1.3f, 0)), size * 0.8f, size * 0.08f, size * U(0.5f, 0.9f), size * 0.04f, cloth, -1);
    ball(s, add(c, v3(0, size * 2, 0)), size * 0.2f, size * 0.2f, size * 0.2f, hair, 0);
  } else {
    ball(s, add(c, v3(0, size * 0.25f, 0)), size * 1.1f, size * 0.95f, size * 1.1f, cloth, -1);
    if (chance(r, 0.6f)) spin(cylinder(s, add(c, v3(0, size * 0.25f, size * 0.9f)), size * 0.75f, size * 0.06f, size * 0.05f, cloth, 0), 0, 0.2f);
  }
}

void quadruped(Scene *s, Random *r) {
  int fur = add_material(s, r), pale = add_material(s, r), white = add_plain(s, r, 0.95f, 0.95f, 0.95f), dark = add_plain(s, r, 0.06f, 0.05f, 0.07f);
  float w = U(0.2f, 0.45f), h = U(0.2f, 0.45f), l = U(0.35f, 0.9f), leg = U(0.15f, 0.8f), thick = U(0.05f, 0.17f), neck = U(0, 0.7f), size = U(0.2f, 0.5f), blend = U(0.05f, 0.2f);
  rod(s, v3(0, 0, -l), v3(0, U(-0.1f, 0.15f), l), h, h * U(0.7f, 1.2f), fur, blend);
  s->parts[s->part_count - 1].blend = blend;
  if (chance(r, 0.5f)) ball(s, v3(0, -h * 0.2f, 0), w, h, l * 0.9f, fur, blend);
  float stride = chance(r, 0.5f) ? U(0, 0.3f) : 0, knee = U(-0.15f, 0.15f);
  BOTH for (int end = -1; end <= 1; end += 2) {
    float x = side * (w * U(0.5f, 0.75f)), z = end * l * U(0.75f, 0.95f), step = stride * side * end;
    vec3 hip = v3(x, -h * 0.3f, z), foot = v3(x, -h - leg, z + step);
    tube(s, hip, add(mul(add(hip, foot), 0.5f), v3(0, 0, knee * end)), foot, thick * U(1, 1.6f), thick * U(0.6f, 1), fur, blend * 0.7f);
    if (chance(r, 0.6f)) ball(s, add(foot, v3(0, 0, thick * 0.5f)), thick * 1.2f, thick * 0.8f, thick * 1.6f, pale, thick * 0.3f);
  }
  vec3 base = v3(0, h * 0.4f, l), c = add(base, v3(0, neck + size * 0.4f, U(0.1f, 0.5f) * neck + size * 0.5f));
  rod(s, base, c, size * U(0.4f, 0.8f), size * U(0.4f, 0.7f), fur, blend);
  int from = s->part_count;
  head(s, r, c, size, fur, pale, white, dark);
  if (chance(r, 0.3f)) BOTH tube(s, add(c, v3(side * size * 0.4f, size * 0.8f, 0)), add(c, v3(side * size, size * 1.5f, 0)), add(c, v3(side * size * U(0.3f, 1.3f), size * U(1.3f, 2.4f), U(-0.6f, 0.6f) * size)), size * 0.15f, size * 0.04f, pale, 0);
  if (chance(r, 0.4f)) tilt_parts(s, from, 1, U(-0.8f, 0.8f), c);
  if (chance(r, 0.3f)) for (int i = 0; i < 6; i++) ball(s, v3(0, h * 0.9f + neck * i / 6, l - 0.3f * l * i / 6), size * 0.12f, size * 0.3f, size * 0.25f, pale, size * 0.1f); /* mane */
  if (chance(r, 0.85f)) tube(s, v3(0, h * 0.4f, -l - h * 0.6f), v3(0, U(-0.3f, 0.6f), -l - h - U(0, 0.5f)), v3(U(-0.4f, 0.4f), U(-0.5f, 0.8f), -l - h - U(0, 0.5f)), thick * U(0.4f, 1.5f), thick * U(0.2f, 1.3f), fur, 0.04f);
}

void figure(Scene *s, Random *r) {
  int skin = chance(r, 0.5f) ? add_skin(s, r) : add_material(s, r), cloth = add_material(s, r), pale = add_material(s, r), white = add_plain(s, r, 0.95f, 0.95f, 0.95f), dark = add_plain(s, r, 0.06f, 0.05f, 0.07f);
  float w = U(0.2f, 0.5f), h = U(0.25f, 0.55f), d = U(0.6f, 1) * w, limb = U(0.06f, 0.16f), leg = U(0.1f, 0.8f), size = U(0.2f, 0.55f), blend = U(0.02f, 0.1f);
  int box_body = chance(r, 0.25f);
  if (box_body) block(s, v3(0, 0, 0), w, h, d * 0.8f, U(0.02f, 0.15f), cloth, 0);
  else if (chance(r, 0.3f)) frustum(s, v3(0, 0, 0), w * U(0.9f, 1.5f), w * U(0.4f, 0.8f), h, 0.08f, cloth, 0);
  else ball(s, v3(0, 0, 0), w, h * 1.1f, d, cloth, 0);
  if (chance(r, 0.3f)) ball(s, v3(0, -h * 0.2f, d * 0.5f), w * 0.7f, h * 0.7f, d * 0.55f, pale, 0.02f);
  int seated = chance(r, 0.2f), rods = chance(r, 0.85f);
  float pose = U(-0.5f, 2.6f), other = chance(r, 0.5f) ? pose : U(-0.5f, 2.6f), reach_forward = chance(r, 0.4f) ? U(0, 0.4f) : 0;
  BOTH {
    float angle = side > 0 ? pose : other, arm = U(0.9f, 1) * h * 1.3f;
    vec3 shoulder = v3(side * w * 0.8f, h * 0.65f, 0), hand = add(shoulder, v3(side * arm * (0.25f + 0.75f * fabsf(sinf(angle))), -arm * cosf(angle), reach_forward));
    if (rods) {
      tube(s, shoulder, add(mul(add(shoulder, hand), 0.5f), v3(side * 0.1f, -0.05f, -0.05f)), hand, limb * U(0.9f, 1.2f), limb * 0.8f, cloth, blend);
      ball(s, hand, limb * 1.15f, limb * 1.15f, limb * U(0.7f, 1.15f), skin, blend * 0.5f);
    }
    vec3 hip = v3(side * w * 0.5f, -h * 0.7f, 0), foot = seated ? v3(side * w * 0.8f, -h * 0.9f, d + leg) : v3(side * w * U(0.45f, 0.7f), -h - leg, 0);
    if (box_body) block(s, mul(add(hip, foot), 0.5f), limb * 1.2f, (seated ? limb : 0.5f * (h * 0.3f + leg)), seated ? 0.5f * (d + leg) : limb * 1.2f, 0.03f, cloth, 0);
    else rod(s, hip, foot, limb * U(1, 1.5f), limb, cloth, blend);
    ball(s, add(foot, v3(0, seated ? limb * 0.5f : 0, seated ? 0 : limb * 0.6f)), limb * 1.2f, seated ? limb * 1.7f : limb * 0.9f, seated ? limb : limb * 1.8f, chance(r, 0.5f) ? dark : skin, blend * 0.5f);
  }
  vec3 c = v3(0, h + size * U(0.6f, 0.95f), U(0, 0.1f));
  int from = s->part_count;
  if (chance(r, 0.15f)) block(s, c, size, size * U(0.6f, 1), size * U(0.6f, 1), size * 0.3f, skin, 0), eyes(s, r, c, v3(size, size, size), white, dark);
  else head(s, r, c, size, skin, pale, white, dark);
  if (chance(r, 0.6f)) hair_or_hat(s, r, c, size, chance(r, 0.5f) ? dark : pale, cloth);
  if (chance(r, 0.4f)) tilt_parts(s, from, chance(r, 0.5f) ? 1 : 2, U(-0.5f, 0.5f), c);
  if (chance(r, 0.1f)) block(s, v3(0, 0, -d - 0.1f), w * 0.7f, h * 0.8f, 0.12f, 0.05f, pale, -1);
}

void bust(Scene *s, Random *r) { /* a head alone, or on shoulders; also the round smiling faces */
  int skin = chance(r, 0.5f) ? add_skin(s, r) : add_material(s, r), cloth = add_material(s, r), pale = add_material(s, r), white = add_plain(s, r, 0.95f, 0.95f, 0.95f), dark = add_plain(s, r, 0.06f, 0.05f, 0.07f);
  vec3 c = v3(0, 0, 0);
  s->frontal = 0.4f;
  if (chance(r, 0.3f)) { /* smiley */
    float flat = U(0.5f, 1);
    ball(s, c, 1, 1, flat, skin, 0);
    eyes(s, r, c, v3(1, 1, flat), white, dark);
    if (chance(r, 0.8f)) { /* mouth */
      float y = U(-0.55f, -0.25f), w = U(0.15f, 0.5f), z = flat * 0.85f;
      if (chance(r, 0.5f)) tube(s, v3(-w, y, z * sqrtf(1 - w * w)), v3(0, y - U(-0.2f, 0.4f), z * 1.15f), v3(w, y, z * sqrtf(1 - w * w)), 0.05f, 0.05f, dark, 0);
      else ball(s, v3(0, y, z), w * 0.8f, U(0.08f, 0.25f), 0.15f, dark, 0);
    }
    if (chance(r, 0.2f)) BOTH ball(s, v3(side * 0.95f, U(-0.6f, 0), flat * 0.5f), 0.3f, 0.3f, 0.2f, cloth, 0.05f); /* hands */
    if (chance(r, 0.25f)) hair_or_hat(s, r, c, 1, pale, cloth);
    return;
  }
  head(s, r, c, 1, skin, pale, white, dark);
  if (chance(r, 0.5f)) hair_or_hat(s, r, c, 1, chance(r, 0.5f) ? dark : pale, cloth);
  if (chance(r, 0.55f)) { /* neck, shoulders, arms, cut off flat below */
    float w = U(0.8f, 1.3f), h = U(0.6f, 1.1f), d = U(0.5f, 0.75f), fall = U(1.6f, 2.4f), bring = chance(r, 0.4f) ? U(0.4f, 0.9f) : 0;
    cylinder(s, v3(0, -1.05f, 0), 0.35f, 0.3f, 0.02f, skin, -1);
    if (chance(r, 0.5f)) ball(s, v3(0, -1.2f - h, 0), w, h * 1.2f, d, cloth, -1);
    else block(s, v3(0, -1.25f - h, 0), w * 0.85f, h, d * 0.8f, d * 0.7f, cloth, -1);
    BOTH {
      vec3 shoulder = v3(side * w * 0.8f, -1.5f, 0), hand = v3(side * w * (bring > 0 ? U(-0.2f, 0.8f) : U(0.9f, 1.2f)), -fall + bring, bring > 0 ? d * 1.1f : 0.1f);
      tube(s, shoulder, v3(side * w * 1.25f, -fall, 0.1f), hand, 0.3f, 0.22f, cloth, 0.1f);
      if (bring > 0) ball(s, hand, 0.24f, 0.24f, 0.2f, skin, 0.02f);
    }
    if (chance(r, 0.4f)) ball(s, v3(0, -1.3f, d * 0.5f), 0.3f, 0.35f, 0.25f, pale, 0.02f);
    if (chance(r, 0.25f)) rod(s, v3(w * U(0.6f, 1.2f), -2.2f, d * 1.2f), v3(w * U(0.6f, 1.4f), U(-1.2f, 0), d * 1.3f), 0.08f, U(0.08f, 0.2f), dark, -1); /* something held */
    cutting(block(s, v3(0, -fall - 0.9f, 0), 4, 1, 4, 0.01f, cloth, 0.02f));
  }
}

void bird(Scene *s, Random *r) {
  int body = add_material(s, r), wing = add_material(s, r), beak = add_material(s, r), white = add_plain(s, r, 0.95f, 0.95f, 0.95f), dark = add_plain(s, r, 0.06f, 0.05f, 0.07f);
  float w = U(0.25f, 0.5f), h = w * U(0.8f, 1.4f), l = w * U(1, 2), size = w * U(0.5f, 0.9f), neck = chance(r, 0.3f) ? U(0.3f, 1) : U(0, 0.2f);
  ball(s, v3(0, 0, 0), w, h, l, body, 0);
  vec3 base = v3(0, h * 0.5f, l * 0.6f), c = add(base, v3(0, neck + size * 0.7f, size * 0.5f));
  tube(s, base, add(base, v3(0, neck * 0.5f, U(-0.3f, 0.4f))), c, size * 0.7f, size * 0.5f, body, 0.12f);
  ball(s, c, size, size, size, body, 0.05f), eyes(s, r, c, v3(size, size, size), white, dark);
  spin(frustum(s, add(c, v3(0, -0.1f * size, size * 1.2f)), size * U(0.2f, 0.45f), 0.03f, size * U(0.3f, 0.9f), 0.01f, beak, -1), 0, 1.57f);
  float raise = chance(r, 0.5f) ? U(-0.3f, 1.2f) : -1.3f, span = U(0.6f, 1.6f);
  BOTH {
    Part *p = ball(s, v3(side * (w * 0.8f + span * 0.4f * cosf(raise)), h * 0.3f + span * 0.4f * sinf(raise), 0), span * 0.5f, 0.05f + 0.08f * w, l * 0.6f, wing, 0.05f);
    spin(p, 2, side * raise);
    rod(s, v3(side * w * 0.4f, -h * 0.8f, 0), v3(side * w * 0.45f, -h - U(0.1f, 0.6f), 0.05f), 0.035f, 0.035f, beak, 0);
  }
  spin(ball(s, v3(0, h * 0.2f, -l - 0.15f), w * U(0.4f, 0.9f), 0.05f, 0.35f, wing, 0.05f), 0, U(-0.5f, 0.6f));
}

void fish(Scene *s, Random *r) { /* also whales, bugs and caterpillars */
  int body = add_material(s, r), fin = add_material(s, r), white = add_plain(s, r, 0.95f, 0.95f, 0.95f), dark = add_plain(s, r, 0.06f, 0.05f, 0.07f);
  int kind = pick(r, 3);
  float w = U(0.15f, 0.5f), h = U(0.25f, 0.6f);
  if (kind == 0) {
    ball(s, v3(0, 0, 0), w, h, 0.8f, body, 0), rod(s, v3(0, 0, -0.4f), v3(0, U(-0.1f, 0.3f), -1), w * 0.6f, w * 0.3f, body, 0.2f);
    BOTH spin(ball(s, v3(0, side * 0.2f, -1.15f), 0.05f, 0.3f, 0.15f, fin, 0.06f), 0, -side * 0.6f);
    BOTH spin(ball(s, v3(side * w, -h * 0.3f, 0.2f), U(0.2f, 0.4f), 0.05f, 0.15f, fin, 0.04f), 2, -side * U(0, 0.8f));
    if (chance(r, 0.7f)) spin(ball(s, v3(0, h, -0.1f), 0.05f, U(0.15f, 0.35f), 0.25f, fin, 0.06f), 0, -0.3f);
  } else if (kind == 1) {
    ball(s, v3(0, 0, -0.2f), w * 1.3f, h, 0.7f, body, 0), ball(s, v3(0, 0, 0.6f), w * 0.8f, h * 0.7f, 0.35f, fin, 0.03f);
    BOTH for (int i = 0; i < 3; i++) {
      vec3 a = v3(side * w * 0.9f, -h * 0.3f, 0.3f - 0.3f * i);
      tube(s, a, add(a, v3(side * 0.35f, 0.2f, 0)), add(a, v3(side * U(0.4f, 0.7f), -h * 0.9f, U(-0.2f, 0.2f))), 0.05f, 0.03f, dark, 0);
    }
    if (chance(r, 0.5f)) BOTH spin(ball(s, v3(side * (w + 0.4f), h * 0.9f, -0.2f), 0.5f, 0.04f, U(0.2f, 0.4f), white, 0), 2, side * U(0.1f, 0.7f));
    BOTH tube(s, v3(side * 0.1f, h * 0.4f, 0.8f), v3(side * 0.2f, h, 0.9f), v3(side * 0.4f, h + 0.2f, 1.1f), 0.03f, 0.05f, dark, 0);
  } else {
    int n = 4 + pick(r, 6);
    float wave = U(0, 0.3f), phase = U(0, 6), e = U(0.15f, 0.3f);
    for (int i = 0; i < n; i++) ball(s, v3(wave * sinf(phase + i), wave * 0.7f * fabsf(sinf(phase + 1 + i)), 0.8f - 0.28f * i), e, e, e, i & 1 ? body : fin, 0.08f);
  }
  eyes(s, r, v3(0, 0, kind == 2 ? 0.8f : 0.4f), v3(w, h * 0.8f, 0.45f), white, dark);
}
