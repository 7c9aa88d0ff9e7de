# Prints transform_golden.json: what R's forecast package computes on its own data sets.
#
#	OMP_NUM_THREADS=1 Rscript transform_golden.R > transform_golden.json
#
# Made with R 4.2.2, forecast 8.20, jsonlite 1.8.4 (Debian 12).
suppressMessages(library(forecast))
library(jsonlite)

cases <- list(
  AirPassengers = AirPassengers,
  USAccDeaths = USAccDeaths,
  lynx = lynx,
  wineind = wineind,
  woolyrnq = woolyrnq,
  WWWusage = WWWusage,
  gas = gas
)
points <- c(-.4, 0, .3, 2)
variance <- .09
out <- lapply(names(cases), function(name) {
  y <- cases[[name]]
  lambda <- as.numeric(BoxCox.lambda(y, method = "guerrero"))
  list(
    name = name,
    season = frequency(y),
    values = as.numeric(y),
    guerrero = lambda,
    loglik = as.numeric(BoxCox.lambda(y, method = "loglik")),
    scaled = as.numeric(BoxCox(y[1:5], lambda)),
    inverse = as.numeric(InvBoxCox(points, lambda)),
    mean = as.numeric(InvBoxCox(points, lambda, biasadj = TRUE, fvar = variance))
  )
})
cat(toJSON(list(points = points, variance = variance, cases = out),
  digits = NA, auto_unbox = TRUE, pretty = FALSE, na = "null"
), "\n", sep = "")
