# Prints what R's forecast package needs for the cases of
# forecast/testdata/againstr_golden.R: model/series and milliseconds of the processor, the
# least of a few runs. scripts/speed.sh puts ours beside it.
source("forecast/testdata/againstr_golden.R")

milliseconds <- function(f) {
  processor <- function(time) time[["user.self"]] + time[["sys.self"]]
  once <- processor(system.time(f()))
  times <- max(1, ceiling(.2 / max(once, .001))) # The clock is coarse.
  runs <- if (once > 5) 2 else 5
  1000 * min(replicate(runs, processor(system.time(for (i in seq_len(times)) f())) / times))
}
for (case in cases) {
  cat(paste(case$model, case$series, sep = "/"), milliseconds(function() run(case)), "\n")
}
