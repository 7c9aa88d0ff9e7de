# Prints coverage_golden.json: the variance of the mean by lrvar of R's sandwich package, by
# the window and the lag of Newey and West without prewhitening, of R's data sets, and of
# whether their values lie in a range, as of an interval that held or not.
#
#	Rscript coverage_golden.R > coverage_golden.json
#
# Made with R 4.2.2, sandwich 3.0-2, jsonlite 1.8.4 (Debian 12).
library(sandwich)
library(jsonlite)

held <- function(y) as.numeric(y >= quantile(y, .1) & y <= quantile(y, .9))
cases <- list(
  lynx = lynx, lynx_held = held(lynx), nottem = nottem, nottem_held = held(nottem),
  sunspots_held = held(sunspots), Nile = Nile, Nile_held = held(Nile),
  WWWusage = WWWusage, treering_held = held(treering), alternating = rep(0:1, 40)
)
out <- lapply(names(cases), function(name) {
  y <- as.numeric(cases[[name]])
  list(name = name, values = y, variance = lrvar(y, type = "Newey-West", prewhite = FALSE, adjust = FALSE))
})
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE), "\n", sep = "")
