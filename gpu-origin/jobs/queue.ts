import type { LiveJob } from './live-job.ts';

/** Wait after which a batch job may go before interactive ones. */
const batchAgeMsMax = 30_000;

/** Interactive jobs that are started between two aged batch jobs, so that ageing never turns the priorities round. */
const interactiveRunMin = 3;

/**
 * The jobs that wait: bounded, interactive before batch, each priority served tenant by tenant in turn, oldest first
 * within a tenant. `now` gives milliseconds since the epoch.
 */
export class JobQueue {
  readonly capacity: number;
  readonly #now: () => number;
  /** Waiting jobs by tenant; the map's order is the order in which the tenants have their turn. */
  readonly #waiting = { interactive: new Map<string, LiveJob[]>(), batch: new Map<string, LiveJob[]>() };
  #depth = 0;
  #reserved = 0;
  #interactiveSinceBatch = 0;

  constructor(options: { capacity: number; now: () => number }) {
    this.capacity = options.capacity;
    this.#now = options.now;
  }

  /** Jobs that wait, without those for which a place is only reserved. */
  get depth(): number {
    return this.#depth;
  }

  /** Keeps a place while a job's image is being received; false when the queue is full. */
  reserve(): boolean {
    if (this.#depth + this.#reserved >= this.capacity) return false;
    this.#reserved += 1;
    return true;
  }

  /** Gives a reserved place up, also when its job is about to be added. */
  release(): void {
    this.#reserved -= 1;
  }

  /** Adds a job behind its tenant's others, whatever the capacity: it is on disk and must not be lost. */
  add(job: LiveJob): void {
    const tenants = this.#waiting[job.job.priority];
    const jobs = tenants.get(job.job.tenant);
    if (jobs === undefined) tenants.set(job.job.tenant, [job]);
    else jobs.push(job);
    this.#depth += 1;
  }

  /** Takes the job whose turn it is among those that `admits` lets start; null when none waits. */
  take(admits: (job: LiveJob) => boolean = () => true): LiveJob | null {
    const { interactive, batch } = this.#waiting;
    const aged =
      this.#interactiveSinceBatch >= interactiveRunMin && takeTurn(batch, (job) => this.#aged(job) && admits(job));
    const job = aged || (takeTurn(interactive, admits) ?? takeTurn(batch, admits));
    if (job === null) return null;
    this.#interactiveSinceBatch = job.job.priority === 'batch' ? 0 : this.#interactiveSinceBatch + 1;
    this.#depth -= 1;
    return job;
  }

  /** Takes a waiting job out of its turn. */
  remove(job: LiveJob): void {
    const tenants = this.#waiting[job.job.priority];
    const jobs = tenants.get(job.job.tenant);
    const index = jobs?.indexOf(job) ?? -1;
    if (jobs === undefined || index < 0) return;
    jobs.splice(index, 1);
    if (jobs.length === 0) tenants.delete(job.job.tenant);
    this.#depth -= 1;
  }

  #aged(job: LiveJob): boolean {
    return this.#now() - job.acceptedAtMs >= batchAgeMsMax;
  }
}

/** The first job that may go of the first tenant in turn that has one; the tenant goes to the end of the round. */
function takeTurn(tenants: Map<string, LiveJob[]>, mayGo: (job: LiveJob) => boolean): LiveJob | null {
  for (const [tenant, jobs] of tenants) {
    const index = jobs.findIndex(mayGo);
    const [job] = index < 0 ? [] : jobs.splice(index, 1);
    if (job === undefined) continue;
    tenants.delete(tenant);
    if (jobs.length > 0) tenants.set(tenant, jobs);
    return job;
  }
  return null;
}
