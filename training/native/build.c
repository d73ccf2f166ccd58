/* Placing parts and materials into a scene. */
#include "scene.h"

mat3 about(int axis, float angle) {
  float c = cosf(angle), s = sinf(angle);
  if (axis == 0) return (mat3){{1, 0, 0, 0, c, -s, 0, s, c}};
  if (axis == 1) return (mat3){{c, 0, s, 0, 1, 0, -s, 0, c}};
  return (mat3){{c, -s, 0, s, c, 0, 0, 0, 1}};
}
mat3 compose(mat3 a, mat3 b) {
  mat3 r;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) r.m[3 * i + j] = a.m[3 * i] * b.m[j] + a.m[3 * i + 1] * b.m[3 + j] + a.m[3 * i + 2] * b.m[6 + j];
  return r;
}

/* When the scene is full the last part is overwritten: shapes never fail to build. */
Part *place(Scene *s, Part p) {
  int i = s->part_count < PARTS_MAX ? s->part_count++ : PARTS_MAX - 1;
  p.rotation = (mat3){{1, 0, 0, 0, 1, 0, 0, 0, 1}};
  p.scale = 1;
  if (i == 0) p.op = FRESH;
  s->parts[i] = p;
  return &s->parts[i];
}
static int op_for(float blend) { return blend < 0 ? FRESH : JOIN; } /* a negative blend starts a new group */

static Part part(int shape, vec3 c, int material, float blend, float bound) {
  return (Part){.shape = shape, .op = op_for(blend), .material = material, .blend = fmaxf(blend, 0), .centre = c, .bound = bound};
}
Part *ball(Scene *s, vec3 c, float rx, float ry, float rz, int material, float blend) {
  Part p = part(ELLIPSOID, c, material, blend, fmaxf(rx, fmaxf(ry, rz)));
  p.size[0] = rx, p.size[1] = ry, p.size[2] = rz;
  return place(s, p);
}
Part *block(Scene *s, vec3 c, float hx, float hy, float hz, float round, int material, float blend) {
  Part p = part(BOX, c, material, blend, sqrtf(hx * hx + hy * hy + hz * hz));
  p.size[0] = hx, p.size[1] = hy, p.size[2] = hz, p.round = fminf(round, 0.98f * fminf(hx, fminf(hy, hz)));
  return place(s, p);
}
Part *cylinder(Scene *s, vec3 c, float radius, float half, float round, int material, float blend) {
  Part p = part(CYLINDER, c, material, blend, sqrtf(radius * radius + half * half));
  p.size[0] = radius, p.size[1] = half, p.round = fminf(round, 0.98f * fminf(radius, half));
  return place(s, p);
}
Part *frustum(Scene *s, vec3 c, float bottom, float top, float half, float round, int material, float blend) {
  float wide = fmaxf(bottom, top);
  Part p = part(FRUSTUM, c, material, blend, sqrtf(wide * wide + half * half));
  p.round = fminf(round, 0.9f * fminf(half, fminf(bottom, top)));
  p.size[0] = bottom, p.size[1] = top, p.size[2] = half;
  return place(s, p);
}
Part *torus(Scene *s, vec3 c, float major, float minor, int material, float blend) {
  Part p = part(TORUS, c, material, blend, major + minor);
  p.size[0] = major, p.size[1] = minor;
  return place(s, p);
}
static Outline *new_outline(Scene *s, Part *p) {
  p->outline = s->outline_count < OUTLINES_MAX ? s->outline_count++ : OUTLINES_MAX - 1;
  return &s->outlines[p->outline];
}
Part *tube(Scene *s, vec3 a, vec3 control, vec3 b, float ra, float rb, int material, float blend) {
  int straight = length(sub(add(a, b), mul(control, 2))) < 1e-6f;
  vec3 c = mul(add(a, b), 0.5f);
  Part p = part(CURVE, c, material, blend, 0);
  Outline *o = new_outline(s, &p);
  o->count = straight ? 2 : 9;
  for (int i = 0; i < o->count; i++) {
    float t = (float)i / (o->count - 1), u = 1 - t;
    vec3 q = sub(add(add(mul(a, u * u), mul(control, 2 * u * t)), mul(b, t * t)), c);
    o->x[i] = q.x, o->y[i] = q.y, o->z[i] = q.z;
    p.bound = fmaxf(p.bound, length(q) + fmaxf(ra, rb));
  }
  p.size[0] = ra, p.size[1] = rb;
  return place(s, p);
}
Part *rod(Scene *s, vec3 a, vec3 b, float ra, float rb, int material, float blend) {
  return tube(s, a, mul(add(a, b), 0.5f), b, ra, rb, material, blend);
}
static Part *outlined(Scene *s, Part p, const float *xy, int points) {
  Outline *o = new_outline(s, &p);
  o->count = points;
  for (int i = 0; i < points; i++) {
    o->x[i] = xy[2 * i], o->y[i] = xy[2 * i + 1];
    p.bound = fmaxf(p.bound, sqrtf(o->x[i] * o->x[i] + o->y[i] * o->y[i]));
  }
  return place(s, p);
}
Part *lathe(Scene *s, vec3 c, const float *radius_height, int points, float round, int material, float blend) {
  Part p = part(LATHE, c, material, blend, 0);
  p.round = round;
  Part *made = outlined(s, p, radius_height, points);
  made->bound += round;
  return made;
}
Part *extrusion(Scene *s, vec3 c, const float *xy, int points, float half, float round, int material, float blend) {
  Part p = part(EXTRUSION, c, material, blend, 0);
  p.size[0] = half, p.round = fminf(round, 0.98f * half);
  Part *made = outlined(s, p, xy, points);
  made->bound = sqrtf(made->bound * made->bound + half * half);
  return made;
}

void spin(Part *p, int axis, float angle) { p->rotation = compose(about(axis, angle), p->rotation); }

void tilt_parts(Scene *s, int from, int axis, float angle, vec3 pivot) {
  mat3 r = about(axis, angle);
  for (int i = from; i < s->part_count; i++) {
    Part *p = &s->parts[i];
    p->rotation = compose(r, p->rotation);
    p->centre = add(pivot, turn(&r, sub(p->centre, pivot)));
  }
}
void move_parts(Scene *s, int from, float scale, vec3 offset) {
  for (int i = from; i < s->part_count; i++) {
    Part *p = &s->parts[i];
    p->centre = add(mul(p->centre, scale), offset);
    p->scale *= scale, p->blend *= scale;
  }
}
void transform_scene(Scene *s, const mat3 *rotation, float scale, vec3 offset) {
  for (int i = 0; i < s->part_count; i++) {
    Part *p = &s->parts[i];
    p->rotation = compose(*rotation, p->rotation);
    p->centre = add(mul(turn(rotation, p->centre), scale), offset);
    p->scale *= scale, p->blend *= scale;
  }
  s->rotation = compose(*rotation, s->rotation);
  s->offset = add(mul(turn(rotation, s->offset), scale), offset);
  s->scale *= scale;
}

static vec3 random_colour(Random *r) {
  float hue = uniform(r, 0, 6), saturation = chance(r, 0.25f) ? uniform(r, 0, 0.2f) : uniform(r, 0.3f, 1), value = chance(r, 0.15f) ? uniform(r, 0.03f, 0.3f) : uniform(r, 0.4f, 1);
  float c[3];
  for (int i = 0; i < 3; i++) {
    float h = fmodf(hue + 4 - 2 * i + 2, 6), k = clamp(fabsf(h - 3) - 1, 0, 1);
    c[i] = value * (1 - saturation * (1 - k));
  }
  return v3(c[0], c[1], c[2]);
}
int add_plain(Scene *s, Random *r, float red, float green, float blue) {
  int i = s->material_count < MATERIALS_MAX ? s->material_count++ : MATERIALS_MAX - 1;
  s->materials[i] = (Material){.pattern = PLAIN, .colour = {{red, green, blue}, {red, green, blue}}, .gloss = uniform(r, 0, 1)};
  return i;
}
int add_material(Scene *s, Random *r) {
  int i = add_plain(s, r, 0, 0, 0);
  Material *m = &s->materials[i];
  m->colour[0] = random_colour(r), m->colour[1] = random_colour(r);
  m->pattern = chance(r, 0.5f) ? PLAIN : chance(r, 0.4f) ? GRADIENT : 1 + pick(r, 6);
  m->frequency = expf(uniform(r, 0.2f, 2.0f)), m->phase = uniform(r, 0, 6);
  m->gloss = chance(r, 0.4f) ? 0 : uniform(r, 0, 1), m->metal = chance(r, 0.1f) ? uniform(r, 0.3f, 1) : 0;
  m->axis = chance(r, 0.6f) ? v3(0, 1, 0) : unit(v3(uniform(r, -1, 1), uniform(r, -1, 1), uniform(r, -1, 1)));
  return i;
}
int add_skin(Scene *s, Random *r) {
  static const float tones[6][3] = {{1, 0.8f, 0.2f}, {0.98f, 0.82f, 0.7f}, {0.9f, 0.72f, 0.55f}, {0.72f, 0.5f, 0.35f}, {0.5f, 0.33f, 0.24f}, {0.28f, 0.19f, 0.16f}};
  const float *t = tones[pick(r, 6)];
  int m = add_plain(s, r, t[0], t[1], t[2]);
  s->materials[m].gloss = uniform(r, 0, 0.6f);
  return m;
}
