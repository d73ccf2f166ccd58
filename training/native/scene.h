/* A scene is an ordered list of signed-distance parts, grouped, with materials. Lengths are in canvas units once the scene is placed. */
#ifndef SCENE_H
#define SCENE_H
#include <math.h>
#include <stdint.h>
#include <string.h>

#define PARTS_MAX 160
#define OUTLINES_MAX 40
#define OUTLINE_POINTS_MAX 96
#define MATERIALS_MAX 12
#define FAR 1e9f

typedef struct { float x, y, z; } vec3;
typedef struct { float m[9]; } mat3; /* row major */
typedef struct { uint64_t state; } Random;

enum Shape { ELLIPSOID, BOX, CYLINDER, FRUSTUM, TORUS, CURVE, LATHE, EXTRUSION, METABALLS, GEAR };
enum Op { JOIN, CUT, FRESH }; /* JOIN and CUT act on the group so far; FRESH begins a new group */
enum Pattern { PLAIN, STRIPES, DOTS, CHECKS, GRADIENT, PATCHES, TWO_TONE };

typedef struct {
  int shape, op, material, outline;
  float blend;       /* smooth union or cut width */
  mat3 rotation;     /* local to world */
  vec3 centre;
  float scale, size[4], round;
  float bound;       /* radius about the centre that holds the part, unscaled */
} Part;

typedef struct { int count; float x[OUTLINE_POINTS_MAX], y[OUTLINE_POINTS_MAX], z[OUTLINE_POINTS_MAX]; } Outline;
typedef struct { int pattern; vec3 colour[2]; float frequency, phase, gloss, metal; vec3 axis; } Material;

typedef struct {
  Part parts[PARTS_MAX];
  Outline outlines[OUTLINES_MAX];
  Material materials[MATERIALS_MAX];
  int part_count, outline_count, material_count;
  float frontal; /* how much likelier than others to be seen from the front, 0 to 0.4 */
  float bump, bump_frequency; /* wavy skin, in object units */
  mat3 rotation; vec3 offset; float scale; /* object to canvas, for the patterns */
} Scene;

static inline vec3 v3(float x, float y, float z) { return (vec3){x, y, z}; }
static inline vec3 add(vec3 a, vec3 b) { return v3(a.x + b.x, a.y + b.y, a.z + b.z); }
static inline vec3 sub(vec3 a, vec3 b) { return v3(a.x - b.x, a.y - b.y, a.z - b.z); }
static inline vec3 mul(vec3 a, float s) { return v3(a.x * s, a.y * s, a.z * s); }
static inline float dot(vec3 a, vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline float length(vec3 a) { return sqrtf(dot(a, a)); }
static inline vec3 unit(vec3 a) { return mul(a, 1.0f / fmaxf(length(a), 1e-9f)); }
static inline float clamp(float x, float a, float b) { return x < a ? a : x > b ? b : x; }
static inline float mix(float a, float b, float t) { return a + (b - a) * t; }
static inline vec3 turn(const mat3 *r, vec3 p) {
  const float *m = r->m;
  return v3(m[0] * p.x + m[1] * p.y + m[2] * p.z, m[3] * p.x + m[4] * p.y + m[5] * p.z, m[6] * p.x + m[7] * p.y + m[8] * p.z);
}
static inline vec3 unturn(const mat3 *r, vec3 p) {
  const float *m = r->m;
  return v3(m[0] * p.x + m[3] * p.y + m[6] * p.z, m[1] * p.x + m[4] * p.y + m[7] * p.z, m[2] * p.x + m[5] * p.y + m[8] * p.z);
}
mat3 about(int axis, float angle);
mat3 compose(mat3 a, mat3 b);

/* random.c */
uint64_t next_bits(Random *r);
float uniform(Random *r, float a, float b);
int pick(Random *r, int n);
int chance(Random *r, float p);

/* field.c: signed distance and material of a scene; `active` lists the parts that can matter, in order */
float field(const Scene *s, const short *active, int count, vec3 p);
vec3 field_normal(const Scene *s, const short *active, int count, vec3 p, float step);
void surface_colour(const Scene *s, const short *active, int count, vec3 p, vec3 *colour, float *gloss, float *metal);

/* build.c: placing parts */
Part *ball(Scene *s, vec3 c, float rx, float ry, float rz, int material, float blend);
Part *block(Scene *s, vec3 c, float hx, float hy, float hz, float round, int material, float blend);
Part *cylinder(Scene *s, vec3 c, float radius, float half, float round, int material, float blend);
Part *frustum(Scene *s, vec3 c, float bottom, float top, float half, float round, int material, float blend);
Part *torus(Scene *s, vec3 c, float major, float minor, int material, float blend);
Part *rod(Scene *s, vec3 a, vec3 b, float ra, float rb, int material, float blend);
Part *tube(Scene *s, vec3 a, vec3 control, vec3 b, float ra, float rb, int material, float blend);
Part *lathe(Scene *s, vec3 c, const float *radius_height, int points, float round, int material, float blend);
Part *extrusion(Scene *s, vec3 c, const float *xy, int points, float half, float round, int material, float blend);
Part *place(Scene *s, Part p);
void spin(Part *p, int axis, float angle);
void tilt_parts(Scene *s, int from, int axis, float angle, vec3 pivot);
void move_parts(Scene *s, int from, float scale, vec3 offset);
void transform_scene(Scene *s, const mat3 *rotation, float scale, vec3 offset);
int add_material(Scene *s, Random *r);
int add_skin(Scene *s, Random *r);
int add_plain(Scene *s, Random *r, float red, float green, float blue);

/* shapes.c and held_out.c: what to build, standing upright about the origin, facing +z */
void build_training_shape(Scene *s, Random *r);
void build_held_out_shape(Scene *s, Random *r, int kind);
#endif
