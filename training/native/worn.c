/* Hands, clothes, shoes, hats, bags, buttons and clocks: what pictograms of people and signs are made of. */
#include "scene.h"
#include "recipes.h"

#define U(a, b) uniform(r, a, b)
#define BOTH for (int side = -1; side <= 1; side += 2)

void hand(Scene *s, Random *r) { /* a palm, four fingers straight or curled, a thumb, sometimes a cuff or two hands */
  int skin = chance(r, 0.7f) ? add_skin(s, r) : add_material(s, r), cuff = add_material(s, r), straight = pick(r, 16), mitten = chance(r, 0.15f);
  if (chance(r, 0.4f)) straight = chance(r, 0.6f) ? 15 : 0;
  float w = U(0.32f, 0.45f), h = U(0.35f, 0.5f), d = U(0.13f, 0.25f), finger = w * U(0.22f, 0.29f), spread = U(0, 0.25f), blend = U(0.02f, 0.08f);
  block(s, v3(0, 0, 0), w, h, d, d * 0.95f, skin, 0);
  for (int i = 0; i < 4 && !mitten; i++) {
    float x = (i - 1.5f) * 0.5f * w, l = U(0.45f, 0.6f) * (i == 0 || i == 3 ? 0.8f : 1);
    vec3 a = v3(x, h * 0.8f, 0);
    if (straight & (1 << i)) rod(s, a, add(a, v3((i - 1.5f) * spread, l + finger, U(-0.05f, 0.1f))), finger, finger * U(0.75f, 0.95f), skin, blend);
    else tube(s, a, add(a, v3(0, l * 0.7f, d)), add(a, v3(0, -h * U(0, 0.5f), d + finger * 1.3f)), finger * 1.1f, finger, skin, blend);
  }
  if (mitten) ball(s, v3(0, h, 0), w, h * 0.8f, d, skin, 0.1f);
  vec3 root = v3(-w * 0.8f, -h * 0.4f, d * 0.3f);
  if (chance(r, 0.6f)) tube(s, root, add(root, v3(-0.25f, 0.1f, 0.05f)), add(root, v3(-U(0.15f, 0.5f), U(0.2f, 0.7f), U(0, 0.2f))), finger * 1.2f, finger * 0.95f, skin, blend);
  else tube(s, root, add(root, v3(0, 0.3f, d * 1.5f)), v3(U(-0.1f, 0.2f), U(0, 0.2f), d * 1.8f), finger * 1.2f, finger * 0.95f, skin, blend);
  if (chance(r, 0.7f)) rod(s, v3(0, -h * 0.8f, 0), v3(U(-0.1f, 0.1f), -h - U(0.1f, 0.7f), 0), w * U(0.55f, 0.8f), w * U(0.5f, 0.8f), skin, 0.1f);
  if (chance(r, 0.4f)) cylinder(s, v3(0, -h - U(0.3f, 0.5f), 0), w * U(0.75f, 1), U(0.08f, 0.3f), 0.06f, cuff, -1);
  if (chance(r, 0.3f)) tilt_parts(s, 0, 2, U(-1.6f, 1.6f), v3(0, 0, 0));
  if (chance(r, 0.12f)) {
    for (int i = 0, n = s->part_count; i < n && s->part_count < PARTS_MAX; i++) {
      Part copy = s->parts[i];
      copy.centre.x += 2.6f * w;
      if (!i) copy.op = FRESH;
      *place(s, copy) = copy;
    }
  }
}

void garment(Scene *s, Random *r) {
  int cloth = add_material(s, r), trim = add_material(s, r), kind = pick(r, 5);
  float d = U(0.12f, 0.4f);
  if (kind == 0) { /* shirt, dress, coat: puffed outline with sleeves */
    float w = U(0.4f, 0.6f), h = U(0.5f, 0.9f), flare = U(-0.1f, 0.35f), xy[] = {-w - flare, -h, w + flare, -h, w, h * 0.6f, w * 0.6f, h, -w * 0.6f, h, -w, h * 0.6f};
    extrusion(s, v3(0, 0, 0), xy, 6, d, d * 0.9f, cloth, 0);
    float fall = U(0.1f, 1);
    BOTH rod(s, v3(side * w * 0.75f, h * 0.7f, 0), v3(side * (w + U(0.2f, 0.6f)), h * 0.7f - fall, 0), d * 0.9f, d * U(0.7f, 1.1f), cloth, 0.06f);
    cutting(ball(s, v3(0, h + 0.05f, d * 0.3f), 0.2f, U(0.1f, 0.4f), 0.6f, trim, 0.03f));
    for (int i = 0, n = pick(r, 4); i < n; i++) ball(s, v3(0, h * 0.3f - 0.3f * i, d), 0.05f, 0.05f, 0.04f, trim, 0);
  } else if (kind == 1) { /* shoe or boot, alone or a pair */
    float l = U(0.6f, 0.9f), leg = U(0.1f, 0.9f), heel = chance(r, 0.3f) ? U(0.1f, 0.5f) : 0;
    int two = chance(r, 0.3f);
    for (int i = 0; i <= two; i++) {
      float x = 0.6f * i;
      tube(s, v3(x, heel, -l * 0.5f), v3(x, heel * 0.6f + 0.1f, 0), v3(x, -0.02f, l), 0.24f, U(0.16f, 0.25f), cloth, i ? -1 : 0);
      rod(s, v3(x, heel, -l * 0.5f), v3(x, heel + leg, -l * 0.5f), 0.24f, U(0.22f, 0.3f), cloth, 0.1f);
      cutting(cylinder(s, v3(x, heel + leg + 0.25f, -l * 0.5f), 0.2f, 0.25f, 0.02f, trim, 0.02f));
      if (heel > 0) frustum(s, v3(x, heel * 0.3f - 0.12f, -l * 0.62f), 0.06f, 0.15f, heel * 0.5f + 0.1f, 0.01f, trim, 0.02f);
      else block(s, v3(x, -0.22f, l * 0.25f), 0.25f, 0.07f, l, 0.06f, trim, -1);
    }
  } else if (kind == 2) { /* bag, rucksack, purse, suitcase */
    float w = U(0.5f, 0.8f), h = U(0.35f, 0.8f);
    block(s, v3(0, 0, 0), w, h, d, U(0.03f, 0.3f), cloth, 0);
    tube(s, v3(-w * 0.6f, h, 0), v3(0, h + U(0.4f, 1.6f), 0), v3(w * 0.6f, h, 0), 0.05f, 0.05f, trim, 0);
    if (chance(r, 0.6f)) block(s, v3(0, -h * U(0, 0.5f), d), w * U(0.4f, 0.95f), h * U(0.3f, 0.6f), U(0.05f, 0.2f), 0.05f, trim, 0);
    if (chance(r, 0.4f)) ball(s, v3(0, 0, d + 0.05f), 0.1f, 0.1f, 0.06f, trim, 0);
  } else if (kind == 3) { /* hat */
    float w = U(0.5f, 0.7f), h = U(0.3f, 0.8f), brim = U(0.1f, 0.6f);
    if (chance(r, 0.5f)) cylinder(s, v3(0, h * 0.5f, 0), w, h, U(0.02f, 0.2f), cloth, 0);
    else ball(s, v3(0, 0, 0), w, h, w, cloth, 0);
    if (chance(r, 0.6f)) cylinder(s, v3(0, -h * 0.3f, 0), w + brim, 0.05f, 0.04f, cloth, 0.06f);
    else spin(cylinder(s, v3(0, -h * 0.2f, w), w * 0.8f, 0.05f, 0.04f, trim, 0.03f), 0, 0.2f);
    if (chance(r, 0.5f)) cylinder(s, v3(0, -h * 0.1f, 0), w * 1.03f, 0.09f, 0.02f, trim, 0);
    cutting(block(s, v3(0, -h * 0.4f - 0.5f, 0), 3, 0.5f, 3, 0.01f, trim, 0));
  } else { /* spectacles, goggles, masks */
    float w = U(0.3f, 0.45f);
    int lens = chance(r, 0.5f);
    BOTH {
      if (lens) spin(cylinder(s, v3(side * w * 1.15f, 0, 0), w, 0.05f, 0.03f, trim, side < 0 ? 0 : -1), 0, 1.5708f);
      spin(torus(s, v3(side * w * 1.15f, 0, 0), w, U(0.05f, 0.1f), cloth, side < 0 && !lens ? 0 : -1), 0, 1.5708f);
      tube(s, v3(side * w * 2.1f, 0, 0), v3(side * w * 2.2f, 0.05f, -0.7f), v3(side * w * 2.1f, -0.2f, -1.2f), 0.05f, 0.05f, cloth, 0);
    }
    rod(s, v3(-w * 0.3f, 0, 0), v3(w * 0.3f, 0, 0), 0.06f, 0.06f, cloth, 0);
  }
}

void button(Scene *s, Random *r) { /* rounded squares and discs with raised or sunk signs; clocks; dials; balls with seams */
  int base = add_material(s, r), sign = add_material(s, r), n = 1 + pick(r, 4), disc = chance(r, 0.4f);
  float d = U(0.06f, 0.4f), raised = U(0.02f, 0.12f), front = d, bar = U(0.06f, 0.14f);
  s->frontal = 0.35f;
  if (disc) spin(cylinder(s, v3(0, 0, 0), 1, d, U(0.1f, 1) * d, base, 0), 0, 1.5708f);
  else block(s, v3(0, 0, 0), 1, U(0.6f, 1), d, U(0.2f, 1) * d, base, 0);
  if (chance(r, 0.3f)) { /* rim */
    Part *p = disc ? torus(s, v3(0, 0, d), 0.88f, 0.1f, sign, 0) : block(s, v3(0, 0, d), 0.8f, 0.45f, 0.08f, 0.04f, sign, 0);
    if (disc) spin(p, 0, 1.5708f);
  }
  int sunk = chance(r, 0.25f);
  for (int i = 0; i < n; i++) {
    float a = U(0, 6.28f), l = U(0.2f, 0.6f), x = U(-0.3f, 0.3f), y = U(-0.3f, 0.3f);
    int kind = pick(r, 4);
    Part *p;
    if (kind == 0) p = rod(s, v3(-l * cosf(a), -l * sinf(a), front), v3(l * cosf(a), l * sinf(a), front), bar, bar, sign, 0);
    else if (kind == 1) p = block(s, v3(x, y, front), l * 0.7f, bar, raised, 0.02f, sign, 0), spin(p, 2, chance(r, 0.5f) ? 0 : 1.5708f);
    else if (kind == 2) p = torus(s, v3(x, y, front), l * 0.7f, bar * 0.8f, sign, 0), spin(p, 0, 1.5708f);
    else p = tube(s, v3(x - l * 0.6f, y, front), v3(x, y + U(-1, 1), front), v3(x + l * 0.6f, y, front), bar, bar, sign, 0);
    if (sunk) cutting(p);
  }
  if (chance(r, 0.15f)) BOTH ball(s, v3(side * 0.7f, 0.95f, 0), 0.3f, 0.3f, d, sign, 0), rod(s, v3(side * 0.5f, -0.7f, 0), v3(side * 0.7f, -1.1f, 0), 0.08f, 0.08f, sign, 0);
}
