// The GPU origin as `npm start` runs it: ends with the supervisor, also when that was killed.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

await import('../gpu-origin/main.ts');
