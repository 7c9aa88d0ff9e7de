# Prints dieboldmariano_golden.json: dm.test of R's forecast package on the one-step and
# three-step errors of two simple forecasts of its and R's data sets.
#
#	OMP_NUM_THREADS=1 Rscript dieboldmariano_golden.R > dieboldmariano_golden.json
#
# Made with R 4.2.2, forecast 8.20, jsonlite 1.8.4 (Debian 12).
suppressMessages(library(forecast))
library(jsonlite)

# Errors of the last value, and of the mean of the last four, h steps ahead.
errors <- function(y, h) {
  at <- 4:(length(y) - h)
  mean4 <- sapply(at, function(i) mean(y[(i - 3):i]))
  list(a = y[at + h] - y[at], b = y[at + h] - mean4)
}
cases <- list(AirPassengers = AirPassengers, WWWusage = WWWusage, lynx = lynx, nottem = nottem)
out <- list()
for (name in names(cases)) {
  for (h in c(1, 3, 6)) {
    e <- errors(as.numeric(cases[[name]]), h)
    for (v in c("acf", "bartlett")) {
      # It warns where the variance is negative, and then takes another.
      negative <- FALSE
      t <- withCallingHandlers(
        dm.test(e$a, e$b, h = h, power = 1, varestimator = v),
        warning = function(w) { negative <<- TRUE; invokeRestart("muffleWarning") }
      )
      out[[length(out) + 1]] <- list(
        name = name, horizon = h, estimator = v, values = as.numeric(cases[[name]]),
        statistic = unname(t$statistic), p = unname(t$p.value), negative = negative
      )
    }
  }
}
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE), "\n", sep = "")
