/* One function a kind of object; each adds its parts to the scene. */
#ifndef RECIPES_H
#define RECIPES_H
#include "scene.h"
void quadruped(Scene *s, Random *r);
void figure(Scene *s, Random *r);
void bust(Scene *s, Random *r);
void bird(Scene *s, Random *r);
void fish(Scene *s, Random *r);
void vessel(Scene *s, Random *r);
void turned(Scene *s, Random *r);
void furniture(Scene *s, Random *r);
void building(Scene *s, Random *r);
void vehicle(Scene *s, Random *r);
void device(Scene *s, Random *r);
void tool(Scene *s, Random *r);
void plaque(Scene *s, Random *r);
void ring(Scene *s, Random *r);
void plant(Scene *s, Random *r);
void food(Scene *s, Random *r);
void blob(Scene *s, Random *r);
void body(Scene *s, Random *r);
void solids(Scene *s, Random *r);
void sticks(Scene *s, Random *r);
void hand(Scene *s, Random *r);
void garment(Scene *s, Random *r);
void button(Scene *s, Random *r);
Part *cutting(Part *p); /* makes the part cut the group so far */
#endif
