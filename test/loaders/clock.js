// Loaded by a framework's process: sets its clock forward by CLOCK_AHEAD ms.

const real = Date.now;
Date.now = () => real() + Number(process.env["CLOCK_AHEAD"]);
