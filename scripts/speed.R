# Prints what R's forecast package needs for the cases of
# forecast/testdata/againstr_golden.R: model/series and milliseconds, the least of a few
# runs. scripts/speed.sh puts ours beside it.
source("forecast/testdata/againstr_golden.R")

milliseconds <- function(f) {
  once <- system.time(f())[["elapsed"]]
  times <- max(1, ceiling(.2 / max(once, .001))) # The clock is coarse.
  runs <- if (once > 5) 2 else 5
  1000 * min(replicate(runs, system.time(for (i in seq_len(times)) f())[["elapsed"]] / times))
}
for (case in cases) {
  cat(paste(case$model, case$series, sep = "/"), milliseconds(function() run(case)), "\n")
}
