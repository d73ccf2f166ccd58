/* What the training set is made of: one recipe, sometimes two side by side, sometimes squashed. */
#include "scene.h"
#include "recipes.h"

typedef void (*Recipe)(Scene *, Random *);
static const struct { Recipe build; float share; } recipes[] = {
  {quadruped, 10}, {figure, 10}, {bust, 8}, {bird, 4}, {fish, 4}, {vessel, 7}, {turned, 5}, {furniture, 6}, {building, 5}, {vehicle, 6},
  {device, 7}, {tool, 7}, {plaque, 7}, {ring, 4}, {plant, 6}, {food, 7}, {blob, 9}, {body, 32}, {solids, 10},
  {hand, 5}, {garment, 5}, {button, 5}, {sticks, 8},
};
static void build_one(Scene *s, Random *r) {
  const int n = sizeof recipes / sizeof *recipes;
  float total = 0;
  for (int i = 0; i < n; i++) total += recipes[i].share;
  float at = uniform(r, 0, total);
  for (int i = 0; i < n; i++)
    if ((at -= recipes[i].share) < 0 || i == n - 1) { recipes[i].build(s, r); return; }
}
void build_training_shape(Scene *s, Random *r) {
  build_one(s, r);
  if (!chance(r, 0.08f) || s->part_count > PARTS_MAX / 2) return;
  int from = s->part_count;
  build_one(s, r);
  if (from < s->part_count) s->parts[from].op = FRESH;
  move_parts(s, from, uniform(r, 0.4f, 0.9f), v3(uniform(r, -1.2f, 1.2f), uniform(r, -0.5f, 0.5f), uniform(r, -0.8f, 0.8f)));
}
