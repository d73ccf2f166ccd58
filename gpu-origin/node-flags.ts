/**
 * What Node is started with to run the origin. V8 lets the young heap of a thread grow to 128 MiB over hours, which looks
 * like a leak: 4 MiB for each half of it. And it collects a heap of 20 MiB again and again for the sake of the pixels and
 * vertices that its arrays hold outside, two and a half times a job: not before a thread holds 64 MiB.
 */
export const nodeFlags = ['--max-semi-space-size=4', '--initial-heap-size=64'];
