/* Renders seeded scenes to sheets: exact front (first hit) and back (last exit), alpha, normal, colour, gloss, occlusion, inflation. */
#include "scene.h"
#include <stdlib.h>

#define TILE 8
#define EPSILON 0.0012f
#define STEPS_MAX 100

typedef struct { vec3 origin, direction; } Ray;
typedef struct { short list[PARTS_MAX]; int count; } Active;

static Ray canvas_ray(float x, float y, float distance) {
  vec3 o = v3(0, 0, distance);
  return (Ray){o, unit(v3(x, y, -distance))};
}
static float reach(const Part *p) { return p->bound * p->scale + p->blend; }

/* Parts whose bounding sphere, seen from the camera, touches the canvas rectangle. */
static void gather(const Scene *s, float distance, float x, float y, float half, Active *a) {
  a->count = 0;
  for (int i = 0; i < s->part_count; i++) {
    const Part *p = &s->parts[i];
    float r = reach(p) + s->bump * s->scale, k = distance / fmaxf(distance - p->centre.z, 0.1f);
    float near = distance / fmaxf(distance - p->centre.z - r, 0.1f);
    float rr = r * near * 1.08f + 0.02f;
    if (fabsf(p->centre.x * k - x) < rr + half && fabsf(p->centre.y * k - y) < rr + half) a->list[a->count++] = (short)i;
  }
}
static int span(const Scene *s, const Active *a, Ray ray, float *from, float *to) {
  *from = FAR, *to = -FAR;
  for (int i = 0; i < a->count; i++) {
    const Part *p = &s->parts[a->list[i]];
    if (p->op == CUT) continue;
    float r = reach(p) + s->bump * s->scale + 0.002f;
    vec3 oc = sub(p->centre, ray.origin);
    float b = dot(oc, ray.direction), q = r * r - (dot(oc, oc) - b * b);
    if (q <= 0) continue;
    q = sqrtf(q), *from = fminf(*from, b - q), *to = fmaxf(*to, b + q);
  }
  return *from < *to;
}
/* Distance along the ray of the first surface, or -1. */
static float march(const Scene *s, const Active *a, vec3 o, vec3 d, float from, float to) {
  float t = from;
  for (int i = 0; i < STEPS_MAX; i++) {
    float h = field(s, a->list, a->count, add(o, mul(d, t)));
    if (h < EPSILON) return t;
    t += fmaxf(h * 0.88f, EPSILON);
    if (t > to) return -1;
  }
  return -1;
}
static int hit_front(const Scene *s, const Active *a, float x, float y, float distance, vec3 *front, vec3 *back) {
  Ray ray = canvas_ray(x, y, distance);
  float from, to;
  if (!span(s, a, ray, &from, &to)) return 0;
  float t = march(s, a, ray.origin, ray.direction, from, to);
  if (t < 0) return 0;
  *front = add(ray.origin, mul(ray.direction, t));
  if (back) {
    float b = march(s, a, add(ray.origin, mul(ray.direction, to)), mul(ray.direction, -1), 0, to - t);
    *back = b < 0 ? *front : add(ray.origin, mul(ray.direction, to - b));
  }
  return 1;
}

/* Scales and shifts the scene until its silhouette is centred, fills `fill`, and front and back average to z = 0. */
static int fit_to_canvas(Scene *s, float distance, float fill) {
  static const int sizes[2] = {20, 34};
  static const float halves[2] = {1.4f, 1.06f};
  const mat3 same = {{1, 0, 0, 0, 1, 0, 0, 0, 1}};
  vec3 low = v3(FAR, FAR, FAR), high = v3(-FAR, -FAR, -FAR);
  for (int i = 0; i < s->part_count; i++) {
    vec3 c = s->parts[i].centre;
    float r = s->parts[i].bound * s->parts[i].scale;
    if (s->parts[i].op == CUT) continue;
    low = v3(fminf(low.x, c.x - r), fminf(low.y, c.y - r), fminf(low.z, c.z - r));
    high = v3(fmaxf(high.x, c.x + r), fmaxf(high.y, c.y + r), fmaxf(high.z, c.z + r));
  }
  float k = 1.7f / fmaxf(high.x - low.x, high.y - low.y);
  transform_scene(s, &same, k, mul(add(low, high), -0.5f * k));
  for (int pass = 0; pass < 2; pass++) {
    int n = sizes[pass], hits = 0;
    float x0 = 9, x1 = -9, y0 = 9, y1 = -9, z = 0, half = halves[pass], step = 2 * half / n;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        float x = (j + 0.5f) * step - half, y = half - (i + 0.5f) * step;
        Active a;
        vec3 f, b;
        gather(s, distance, x, y, 0, &a);
        if (!a.count || !hit_front(s, &a, x, y, distance, &f, &b)) continue;
        hits++, z += 0.5f * (f.z + b.z);
        x0 = fminf(x0, x), x1 = fmaxf(x1, x), y0 = fminf(y0, y), y1 = fmaxf(y1, y);
      }
    if (hits < 3) return 0;
    float wide = fmaxf(x1 - x0, y1 - y0) + step;
    k = 2 * fill / wide;
    transform_scene(s, &same, k, v3(-0.5f * k * (x0 + x1), -0.5f * k * (y0 + y1), -k * z / hits));
  }
  return 1;
}

static float occlusion(const Scene *s, const Active *a, vec3 p, vec3 n) {
  float blocked = 0, weight = 1;
  for (int i = 1; i <= 4; i++) {
    float h = 0.03f * i * i;
    blocked += weight * fmaxf(h - field(s, a->list, a->count, add(p, mul(n, h))), 0) / h;
    weight *= 0.75f;
  }
  return clamp(1 - 0.45f * blocked, 0, 1);
}

typedef struct { /* one scene's planes, size*size each */
  float *front, *back, *inflation;
  uint8_t *alpha, *colour, *surface; /* colour: 3 planes; surface: gloss, metal, occlusion */
  int8_t *normal;                    /* 3 planes */
} Sheets;

static void shade_pixel(const Scene *s, const Active *a, int size, int i, vec3 p, float pixel, Sheets *out) {
  int plane = size * size;
  vec3 n = field_normal(s, a->list, a->count, p, 0.004f), mean = v3(0, 0, 0), colour;
  float gloss = 0, metal = 0;
  vec3 right = v3(1, 0, -n.x / fmaxf(n.z, 0.3f)), up = v3(0, 1, -n.y / fmaxf(n.z, 0.3f)); /* antialiases the pattern over the pixel */
  for (int k = 0; k < 4; k++) {
    vec3 q = add(p, add(mul(right, pixel * ((k & 1) ? 0.25f : -0.25f)), mul(up, pixel * ((k & 2) ? 0.25f : -0.25f))));
    surface_colour(s, a->list, a->count, q, &colour, &gloss, &metal);
    mean = add(mean, mul(colour, 0.25f));
  }
  float c[3] = {mean.x, mean.y, mean.z}, m[3] = {n.x, n.y, n.z}, e[3] = {gloss, metal, occlusion(s, a, p, n)};
  for (int k = 0; k < 3; k++) {
    out->colour[k * plane + i] = (uint8_t)(255 * clamp(c[k], 0, 1) + 0.5f);
    out->normal[k * plane + i] = (int8_t)rintf(127 * clamp(m[k], -1, 1));
    out->surface[k * plane + i] = (uint8_t)(255 * clamp(e[k], 0, 1) + 0.5f);
  }
}

/* u = 0 outside, Laplace(u) = -4 inside, by successive over-relaxation; inflation = sqrt(u), the hemisphere over a disc. */
void inflate_mask(const uint8_t *alpha, int size, float *inflation) {
  int plane = size * size;
  float h2 = 4.0f * (2.0f / size) * (2.0f / size), omega = 2.0f / (1.0f + 3.1416f / (0.7f * size));
  memset(inflation, 0, sizeof(float) * plane);
  for (int iteration = 0; iteration < 6 * size; iteration++) {
    float change = 0;
    for (int y = 0; y < size; y++)
      for (int x = 0; x < size; x++) {
        int i = y * size + x;
        if (alpha[i] < 128) continue;
        float around = (x > 0 ? inflation[i - 1] : 0) + (x + 1 < size ? inflation[i + 1] : 0) + (y > 0 ? inflation[i - size] : 0) + (y + 1 < size ? inflation[i + size] : 0);
        float d = omega * (0.25f * (around + h2) - inflation[i]);
        inflation[i] += d, change = fmaxf(change, fabsf(d));
      }
    if (change < 2e-6f) break;
  }
  for (int i = 0; i < plane; i++) inflation[i] = sqrtf(fmaxf(inflation[i], 0));
}

static int draw(const Scene *s, float distance, int size, Sheets *out) {
  float pixel = 2.0f / size;
  int plane = size * size, inside = 0;
  memset(out->front, 0, plane * sizeof(float)), memset(out->back, 0, plane * sizeof(float));
  memset(out->alpha, 0, plane), memset(out->colour, 0, 3 * plane), memset(out->surface, 0, 3 * plane), memset(out->normal, 0, 3 * plane);
  uint8_t *hit = calloc(plane, 1);
  for (int pass = 0; pass < 2; pass++) /* pixel centres first, then four samples where a neighbour differs */
    for (int ty = 0; ty < size; ty += TILE)
      for (int tx = 0; tx < size; tx += TILE) {
        Active a;
        gather(s, distance, (tx + TILE * 0.5f) * pixel - 1, 1 - (ty + TILE * 0.5f) * pixel, TILE * 0.5f * pixel, &a);
        if (!a.count) continue;
        for (int y = ty; y < ty + TILE && y < size; y++)
          for (int x = tx; x < tx + TILE && x < size; x++) {
            int i = y * size + x;
            float cx = (x + 0.5f) * pixel - 1, cy = 1 - (y + 0.5f) * pixel;
            vec3 f, b;
            if (pass == 0) {
              if (!hit_front(s, &a, cx, cy, distance, &f, &b)) continue;
              hit[i] = 1, out->alpha[i] = 255;
            } else {
              int l = x > 0 ? hit[i - 1] : 0, r = x + 1 < size ? hit[i + 1] : 0, u = y > 0 ? hit[i - size] : 0, d = y + 1 < size ? hit[i + size] : 0;
              if (l == hit[i] && r == hit[i] && u == hit[i] && d == hit[i]) continue;
              int hits = 0;
              for (int k = 0; k < 4; k++) {
                vec3 g, c;
                if (!hit_front(s, &a, cx + ((k & 1) ? 0.25f : -0.25f) * pixel, cy + ((k & 2) ? 0.25f : -0.25f) * pixel, distance, &g, &c)) continue;
                if (!hits++) f = g, b = c;
              }
              out->alpha[i] = (uint8_t)(hits * 255 / 4 + (hits == 2));
              if (hit[i] || !hits) continue;
            }
            out->front[i] = f.z, out->back[i] = fminf(b.z, f.z);
            shade_pixel(s, &a, size, i, f, pixel, out);
          }
      }
  double mean = 0;
  for (int i = 0; i < plane; i++)
    if (out->alpha[i] >= 128) inside++, mean += 0.5 * (out->front[i] + out->back[i]);
  for (int i = 0; i < plane && inside; i++) out->front[i] -= (float)(mean / inside), out->back[i] -= (float)(mean / inside);
  free(hit);
  return inside;
}

/* A view as pictures of things are taken: mostly upright, from the front, three quarters or anywhere, a little from above. */
static mat3 random_view(Random *r, float frontal) {
  float kind = uniform(r, 0, 1), yaw, pitch, roll = 0;
  if (kind < 0.25f + frontal) yaw = uniform(r, -0.2f, 0.2f), pitch = uniform(r, -0.1f, 0.35f);
  else if (kind < 0.62f + 0.5f * frontal) yaw = (chance(r, 0.5f) ? 1 : -1) * uniform(r, 0.35f, 1.1f), pitch = uniform(r, 0, 0.75f);
  else yaw = uniform(r, -3.14f, 3.14f), pitch = uniform(r, -0.3f, 1.0f);
  if (chance(r, 0.15f)) roll = uniform(r, -0.9f, 0.9f);
  if (chance(r, 0.12f)) yaw = uniform(r, -3.14f, 3.14f), pitch = uniform(r, -1.57f, 1.57f), roll = uniform(r, -3.14f, 3.14f);
  return compose(about(2, roll), compose(about(0, pitch), about(1, yaw)));
}

/* Builds and places the scene of a seed; the kind is -1 for the training shapes. False when nothing can be seen. */
static int prepare(Scene *s, uint64_t seed, int kind, float *distance, float fill) {
  Random r = {seed * 0x2545F4914F6CDD1Dull + 77};
  memset(s, 0, sizeof *s);
  s->rotation = (mat3){{1, 0, 0, 0, 1, 0, 0, 0, 1}}, s->scale = 1;
  if (kind < 0) build_training_shape(s, &r);
  else build_held_out_shape(s, &r, kind);
  mat3 view = random_view(&r, s->frontal);
  if (kind >= 0 && seed % 3 == 0) /* a third of the held-out set at exactly three quarters */
    view = compose(about(0, 0.6f), about(1, seed % 2 ? 0.785f : -0.785f));
  transform_scene(s, &view, 1, v3(0, 0, 0));
  *distance = expf(uniform(&r, 1.1f, 2.4f));
  return fit_to_canvas(s, *distance, fill);
}

/* Fills `count` consecutive scenes of planes, seeds first, first + 1, …; a scene with nothing to see is replaced by another seed. */
void render_scenes(uint64_t first, int count, int kind, int size, float *front, float *back, float *inflation, uint8_t *alpha, uint8_t *colour,
                   uint8_t *surface, int8_t *normal, float *distance) {
  Scene *s = malloc(sizeof *s);
  size_t plane = (size_t)size * size;
  for (int i = 0; i < count; i++) {
    Sheets out = {front + i * plane, back + i * plane, inflation + i * plane, alpha + i * plane, colour + 3 * i * plane, surface + 3 * i * plane, normal + 3 * i * plane};
    for (uint64_t seed = first + i;; seed += 1ull << 40)
      if (prepare(s, seed, kind, &distance[i], 0.85f) && draw(s, distance[i], size, &out) > size * size / 100) break;
    inflate_mask(out.alpha, size, out.inflation);
  }
  free(s);
}

/* Points spread evenly over the whole surface: every crossing of random lines (Cauchy and Crofton). */
void sample_surface(uint64_t seed, int kind, int count, float *points) {
  Scene *s = malloc(sizeof *s);
  Active all = {.count = 0};
  float distance;
  for (uint64_t at = seed; !prepare(s, at, kind, &distance, 0.85f); at += 1ull << 40) {}
  for (int i = 0; i < s->part_count; i++) all.list[all.count++] = (short)i;
  Random r = {seed + 991};
  float radius = 0;
  for (int i = 0; i < s->part_count; i++)
    if (s->parts[i].op != CUT) radius = fmaxf(radius, length(s->parts[i].centre) + reach(&s->parts[i]));
  int made = 0;
  for (long line = 0; made < count && line < 400000; line++) {
    float z = uniform(&r, -1, 1), a = uniform(&r, 0, 6.2832f), q = sqrtf(1 - z * z), spread = radius * sqrtf(uniform(&r, 0, 1)), b = uniform(&r, 0, 6.2832f);
    vec3 d = v3(q * cosf(a), q * sinf(a), z), e = unit(fabsf(z) < 0.9f ? v3(d.y, -d.x, 0) : v3(0, d.z, -d.y));
    vec3 f = v3(d.y * e.z - d.z * e.y, d.z * e.x - d.x * e.z, d.x * e.y - d.y * e.x);
    vec3 o = add(add(mul(e, spread * cosf(b)), mul(f, spread * sinf(b))), mul(d, -radius));
    float t = 0, before = 1;
    while (t < 2 * radius && made < count) {
      float h = field(s, all.list, all.count, add(o, mul(d, t)));
      if (t > 0 && (h < 0) != (before < 0)) {
        vec3 p = add(o, mul(d, t - 0.001f));
        points[3 * made] = p.x, points[3 * made + 1] = p.y, points[3 * made + 2] = p.z, made++;
      }
      before = h, t += fmaxf(fabsf(h) * 0.85f, 0.002f);
    }
  }
  for (int i = made; i < count; i++) /* a very thin shape: repeat */
    for (int k = 0; k < 3; k++) points[3 * i + k] = made ? points[3 * (i % made) + k] : 0;
  free(s);
}
