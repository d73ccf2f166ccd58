/* Signed distance to each kind of part, and to the scene that they make. */
#include "scene.h"

static float ellipsoid(vec3 p, const float *r) {
  vec3 a = v3(p.x / r[0], p.y / r[1], p.z / r[2]), b = v3(a.x / r[0], a.y / r[1], a.z / r[2]);
  float k0 = length(a), k1 = length(b);
  return k1 < 1e-6f ? -fminf(r[0], fminf(r[1], r[2])) : k0 * (k0 - 1.0f) / k1;
}
static float corner(float dx, float dy) {
  float ox = fmaxf(dx, 0), oy = fmaxf(dy, 0);
  return fminf(fmaxf(dx, dy), 0) + sqrtf(ox * ox + oy * oy);
}
static float box(vec3 p, const float *h, float round) {
  vec3 q = v3(fabsf(p.x) - h[0] + round, fabsf(p.y) - h[1] + round, fabsf(p.z) - h[2] + round);
  vec3 o = v3(fmaxf(q.x, 0), fmaxf(q.y, 0), fmaxf(q.z, 0));
  return fminf(fmaxf(q.x, fmaxf(q.y, q.z)), 0) + length(o) - round;
}
static float capped_cone(vec3 p, float bottom, float top, float half) {
  float qx = sqrtf(p.x * p.x + p.z * p.z), qy = p.y;
  float cax = qx - fminf(qx, qy < 0 ? bottom : top), cay = fabsf(qy) - half;
  float k2x = top - bottom, k2y = 2 * half;
  float t = clamp(((top - qx) * k2x + (half - qy) * k2y) / (k2x * k2x + k2y * k2y), 0, 1);
  float cbx = qx - top + k2x * t, cby = qy - half + k2y * t;
  float sign = cbx < 0 && cay < 0 ? -1.0f : 1.0f;
  return sign * sqrtf(fminf(cax * cax + cay * cay, cbx * cbx + cby * cby));
}
static float curve(vec3 p, const Outline *o, float ra, float rb) {
  float best = FAR;
  for (int i = 0; i + 1 < o->count; i++) {
    vec3 a = v3(o->x[i], o->y[i], o->z[i]), e = sub(v3(o->x[i + 1], o->y[i + 1], o->z[i + 1]), a), q = sub(p, a);
    float t = clamp(dot(q, e) / fmaxf(dot(e, e), 1e-12f), 0, 1);
    best = fminf(best, length(sub(q, mul(e, t))) - mix(ra, rb, (i + t) / (o->count - 1)));
  }
  return best;
}
static float polygon(float px, float py, const Outline *o) {
  float best = FAR, sign = 1;
  for (int i = 0, j = o->count - 1; i < o->count; j = i, i++) {
    float ex = o->x[j] - o->x[i], ey = o->y[j] - o->y[i], wx = px - o->x[i], wy = py - o->y[i];
    float t = clamp((wx * ex + wy * ey) / fmaxf(ex * ex + ey * ey, 1e-12f), 0, 1);
    float bx = wx - ex * t, by = wy - ey * t, d = bx * bx + by * by;
    if (d < best) best = d;
    int c1 = py >= o->y[i], c2 = py < o->y[j], c3 = ex * wy > ey * wx;
    if ((c1 && c2 && c3) || (!c1 && !c2 && !c3)) sign = -sign;
  }
  return sign * sqrtf(best);
}
static float metaballs(vec3 p, const Outline *o, const float *size) { /* held-out shapes only: Gaussian blobs (points alternate centre, radius), rippled */
  float sum = 1e-9f, weighted = 0;
  for (int i = 0; i + 1 < o->count; i += 2) {
    vec3 q = sub(p, v3(o->x[i], o->y[i], o->z[i]));
    float w = expf(-dot(q, q) / (o->x[i + 1] * o->x[i + 1]));
    sum += w, weighted += w * o->x[i + 1];
  }
  float d = fmaxf(weighted / sum, size[0]) * (sqrtf(fmaxf(-logf(sum), 0)) - 0.8326f); /* the surface is where the sum is a half */
  return 0.8f * (d + size[1] * sinf(size[2] * p.x) * sinf(size[2] * 1.3f * p.y + 1) * sinf(size[2] * 0.8f * p.z + 2));
}
static float gear(vec3 p, const float *size) { /* held-out shapes only: radius, tooth height, teeth, half width */
  float r = sqrtf(p.x * p.x + p.y * p.y), a = atan2f(p.y, p.x);
  float wave = clamp(2.2f * sinf(a * size[2]), -1, 1);
  return corner((r - size[0] - 0.5f * size[1] * wave) * 0.6f, fabsf(p.z) - size[3]);
}

static inline float part_distance(const Scene *s, const Part *a, vec3 world) {
  vec3 p = mul(unturn(&a->rotation, sub(world, a->centre)), 1.0f / a->scale);
  float d = FAR;
  switch (a->shape) {
    case ELLIPSOID: d = ellipsoid(p, a->size); break;
    case BOX: d = box(p, a->size, a->round); break;
    case CYLINDER: d = corner(sqrtf(p.x * p.x + p.z * p.z) - a->size[0] + a->round, fabsf(p.y) - a->size[1] + a->round) - a->round; break;
    case FRUSTUM: d = capped_cone(p, a->size[0] - a->round, a->size[1] - a->round, a->size[2] - a->round) - a->round; break;
    case TORUS: { float q = sqrtf(p.x * p.x + p.z * p.z) - a->size[0]; d = sqrtf(q * q + p.y * p.y) - a->size[1]; break; }
    case CURVE: d = curve(p, &s->outlines[a->outline], a->size[0], a->size[1]); break;
    case LATHE: d = polygon(sqrtf(p.x * p.x + p.z * p.z), p.y, &s->outlines[a->outline]) - a->round; break;
    case EXTRUSION: d = corner(polygon(p.x, p.y, &s->outlines[a->outline]) + a->round, fabsf(p.z) - a->size[0] + a->round) - a->round; break;
    case METABALLS: d = metaballs(p, &s->outlines[a->outline], a->size); break;
    case GEAR: d = gear(p, a->size); break;
  }
  return d * a->scale;
}
static inline float smooth_min(float a, float b, float k) {
  float h = fmaxf(k - fabsf(a - b), 0);
  return fminf(a, b) - (k > 0 ? h * h / (4 * k) : 0);
}

float field(const Scene *s, const short *active, int count, vec3 p) {
  float whole = FAR, group = FAR;
  for (int i = 0; i < count; i++) {
    const Part *a = &s->parts[active[i]];
    float d = part_distance(s, a, p);
    if (a->op == FRESH) whole = fminf(whole, group), group = d;
    else if (a->op == JOIN) group = smooth_min(group, d, a->blend);
    else group = -smooth_min(-group, d, a->blend);
  }
  float d = fminf(whole, group);
  if (s->bump > 0 && d < 0.3f) {
    vec3 q = mul(unturn(&s->rotation, sub(p, s->offset)), s->bump_frequency / s->scale);
    d += s->bump * s->scale * sinf(q.x) * sinf(q.y + 1) * sinf(q.z + 2);
  }
  return d;
}

vec3 field_normal(const Scene *s, const short *active, int count, vec3 p, float h) {
  float a = field(s, active, count, v3(p.x + h, p.y - h, p.z - h)), b = field(s, active, count, v3(p.x - h, p.y - h, p.z + h));
  float c = field(s, active, count, v3(p.x - h, p.y + h, p.z - h)), d = field(s, active, count, v3(p.x + h, p.y + h, p.z + h));
  return unit(v3(a - b - c + d, -a - b + c + d, -a + b - c + d));
}

static float pattern_weight(const Material *m, vec3 q) {
  float f = m->frequency, along = dot(q, m->axis) * f + m->phase;
  switch (m->pattern) {
    case STRIPES: return sinf(6.28f * along) > 0.2f;
    case DOTS: {
      float a = q.x * f + m->phase, b = q.y * f, c = q.z * f;
      a -= rintf(a), b -= rintf(b), c -= rintf(c);
      return a * a + b * b + c * c < 0.1f;
    }
    case CHECKS: return ((int)floorf(q.x * f + m->phase) + (int)floorf(q.y * f) + (int)floorf(q.z * f)) & 1;
    case GRADIENT: return clamp(0.5f + 0.6f * dot(q, m->axis) + 0.3f * sinf(m->phase), 0, 1);
    case PATCHES: return sinf(f * 4 * q.x + m->phase) + sinf(f * 4.7f * q.y + 1) + sinf(f * 3.9f * q.z + 2) + sinf(f * 3 * (q.x + q.y)) > 0.8f;
    case TWO_TONE: return along > 0.1f;
    default: return 0;
  }
}

void surface_colour(const Scene *s, const short *active, int count, vec3 p, vec3 *colour, float *gloss, float *metal) {
  float nearest = FAR;
  const Material *m = &s->materials[0];
  for (int i = 0; i < count; i++) {
    const Part *a = &s->parts[active[i]];
    float d = part_distance(s, a, p);
    if (a->op == CUT) d = fabsf(d) + 0.004f;
    if (d < nearest) nearest = d, m = &s->materials[a->material];
  }
  float t = pattern_weight(m, mul(unturn(&s->rotation, sub(p, s->offset)), 1.0f / s->scale));
  *colour = add(mul(m->colour[0], 1 - t), mul(m->colour[1], t));
  *gloss = m->gloss, *metal = m->metal;
}
