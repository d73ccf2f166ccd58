import { seededRandom } from '../../test/gpu-origin/mesh/shapes.ts';
import { ball, box, cylinder, melted, moved, rod, turned, union, without, type Point, type Solid } from './sdf.ts';

/** A solid within about ±1 with the angles in radians at which it is looked at. */
export type HeldOut = { kind: HeldOutKind; seed: number; solid: Solid; yaw: number; pitch: number };

/** Kinds that the training generator does not make; the last two are always seen at 45°. */
export const heldOutKinds = [
  'animal',
  'flange',
  'rods',
  'knot',
  'rock',
  'vase',
  'bracket at 45°',
  'table at 45°',
] as const;
export type HeldOutKind = (typeof heldOutKinds)[number];

/** The shape of a kind and seed; the same at every run. */
export function heldOutShape(kind: HeldOutKind, seed: number): HeldOut {
  const random = seededRandom(seed * 7919 + heldOutKinds.indexOf(kind) * 104_729 + 1);
  for (let i = 0; i < 8; i++) random();
  const between = (low: number, high: number) => low + random() * (high - low);
  const solid = builders[kind](between);
  if (kind.endsWith('45°')) return { kind, seed, solid, yaw: (random() < 0.5 ? 1 : -1) * (Math.PI / 4), pitch: 0.5 };
  return { kind, seed, solid, yaw: between(-1, 1), pitch: between(-0.1, 0.6) };
}

/** Straight rods that a knot is made of. */
const knotRods = 56;

type Between = (low: number, high: number) => number;

const builders: Record<HeldOutKind, (between: Between) => Solid> = {
  animal: (between) => {
    const length = between(0.35, 0.55);
    const leg = between(0.35, 0.6);
    const thick = between(0.06, 0.1);
    const feet = ([-1, 1] as const).flatMap((front) =>
      ([-1, 1] as const).map((left) =>
        rod([front * length * 0.8, 0, left * 0.16], [front * length * 0.9, -leg, left * 0.18], thick * 1.3, thick),
      ),
    );
    const head = between(0.18, 0.26);
    const neck: Point = [length + between(0.1, 0.25), between(0.2, 0.45), 0];
    const ears = [-1, 1].map((left) =>
      rod(
        [neck[0], neck[1] + head * 0.7, left * head * 0.6],
        [neck[0] - 0.05, neck[1] + head * 1.5, left * head],
        0.05,
      ),
    );
    const tail = rod([-length, 0.1, 0], [-length - between(0.2, 0.4), between(0.1, 0.5), 0], 0.07, 0.04);
    return melted(
      between(14, 20),
      rod([-length * 0.8, 0, 0], [length * 0.8, 0.03, 0], between(0.22, 0.3), between(0.2, 0.28)),
      rod([length * 0.8, 0.1, 0], neck, 0.12),
      moved(ball(head), ...neck),
      moved(ball(head * 0.55), neck[0] + head, neck[1] - head * 0.25, 0),
      ...feet,
      ...ears,
      tail,
    );
  },
  flange: (between) => {
    const radius = between(0.6, 0.8);
    const bolts = Math.floor(between(4, 9));
    const holes = Array.from({ length: bolts }, (_, i) => {
      const angle = (2 * Math.PI * i) / bolts;
      return moved(cylinder(0.07, 1), 0.78 * radius * Math.cos(angle), 0, 0.78 * radius * Math.sin(angle));
    });
    const neck = between(0.25, 0.4);
    const body = union(
      moved(cylinder(radius, between(0.07, 0.12)), 0, -0.35, 0),
      cylinder(neck, 0.5),
      moved(cylinder(neck * 1.25, 0.08), 0, 0.45, 0),
    );
    return turned(without(body, ...holes, cylinder(neck * 0.7, 2)), 0, between(0.2, 1.2));
  },
  rods: (between) => {
    const joints = Array.from({ length: Math.floor(between(5, 8)) }, (): Point => [
      between(-0.7, 0.7),
      between(-0.8, 0.8),
      between(-0.6, 0.6),
    ]);
    const thickness = between(0.025, 0.05);
    return union(
      ...joints.slice(1).map((joint, i) => rod(joints[i] as Point, joint, thickness)),
      rod(joints[0] as Point, joints.at(-1) as Point, thickness),
      ...joints.map((joint) => moved(ball(thickness * 2), ...joint)),
    );
  },
  knot: (between) => {
    const [p, q] = [2, between(0, 1) < 0.5 ? 3 : 5];
    const tube = between(0.09, 0.13);
    const at = (i: number): Point => {
      const angle = (2 * Math.PI * i) / knotRods;
      const reach = 0.5 + 0.22 * Math.cos(q * angle);
      return [reach * Math.cos(p * angle), reach * Math.sin(p * angle), 0.25 * Math.sin(q * angle)];
    };
    return union(...Array.from({ length: knotRods }, (_, i) => rod(at(i), at(i + 1), tube)));
  },
  rock: (between) => {
    const waves = Array.from({ length: 7 }, () => ({
      k: [between(-7, 7), between(-7, 7), between(-7, 7)] as const,
      phase: between(0, 6.28),
      height: between(0.02, 0.06),
    }));
    const [a, b, c] = [between(0.5, 0.8), between(0.5, 0.8), between(0.4, 0.7)];
    return (x, y, z) =>
      (Math.hypot(x / a, y / b, z / c) - 1) * 0.5 +
      waves.reduce((sum, { k, phase, height }) => sum + height * Math.sin(k[0] * x + k[1] * y + k[2] * z + phase), 0);
  },
  vase: (between) => {
    const [belly, neck, flutes] = [between(0.4, 0.6), between(0.12, 0.25), Math.floor(between(6, 12))];
    return (x, y, z) => {
      const height = Math.min(Math.max(y, -0.8), 0.8);
      const reach = neck + (belly - neck) * Math.sin(((height + 1) * Math.PI) / 2.2) ** 2;
      const flute = 0.03 * Math.cos(flutes * Math.atan2(z, x));
      return Math.max((Math.hypot(x, z) - reach - flute) * 0.7, Math.abs(y) - 0.8);
    };
  },
  'bracket at 45°': (between) => {
    const [wide, deep, tall, thick] = [between(0.4, 0.6), between(0.4, 0.7), between(0.4, 0.8), between(0.07, 0.12)];
    const plates = union(
      moved(box(wide, thick, deep), 0, -tall, 0),
      moved(box(wide, tall, thick), 0, 0, -deep + thick),
      moved(box(thick * 0.7, tall * 0.5, deep * 0.5, 0.01), 0, -tall * 0.5, -deep * 0.5),
    );
    const hole = turned(cylinder(between(0.1, 0.16), 1), 0, Math.PI / 2);
    return without(plates, moved(hole, -wide * 0.5, tall * 0.4, 0), moved(hole, wide * 0.5, tall * 0.4, 0));
  },
  'table at 45°': (between) => {
    const [wide, deep, tall] = [between(0.5, 0.8), between(0.35, 0.6), between(0.4, 0.6)];
    const legs = [-1, 1].flatMap((x) =>
      [-1, 1].map((z) => moved(box(0.05, tall, 0.05), x * (wide - 0.08), -tall, z * (deep - 0.08))),
    );
    return union(box(wide, between(0.04, 0.08), deep), ...legs);
  },
};
