// Loaded into the storage emulator before its own code (`node --require`).
//
// The emulator listens for SIGTERM and SIGINT once: a second one while it writes down what it has acknowledged ends it
// on the spot, and the last seconds are lost. Linux may well send two when a stack is killed: one for each thread of the
// dead parent that the emulator is handed on to. With a listener that stays, a second one changes nothing.
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {});
}
