# Prints stl_golden.json: decompositions by R's stl and by mstl of R's forecast package,
# and forecasts by its stlf.
#
#	OMP_NUM_THREADS=1 Rscript stl_golden.R > stl_golden.json
#
# Made with R 4.2.2, forecast 8.20, jsonlite 1.8.4 (Debian 12).
suppressMessages(library(forecast))
library(jsonlite)

# A few rows of a decomposition, and what depends on all of them.
rows_of <- function(parts) {
  n <- nrow(parts)
  rows <- unique(round(seq(1, n, length.out = 25)))
  list(rows = rows, parts = parts[rows, ], squares = colSums(parts^2))
}
# The partial sort of R's stl now and then misses the median of the remainders, which
# decides about the robust weights: few rounds, in which it does not.
stl_case <- function(name, y, window = NULL, trend = NULL, jump = NULL, outer = 0) {
  args <- list(
    x = y, s.window = if (is.null(window)) "periodic" else window,
    robust = outer > 0, outer = outer
  )
  if (!is.null(trend)) args$t.window <- trend
  if (!is.null(jump)) args <- c(args, s.jump = jump, t.jump = jump, l.jump = jump)
  fit <- do.call(stl, args)
  c(
    list(
      name = name, period = frequency(y), window = if (is.null(window)) 0 else window,
      trend = if (is.null(trend)) 0 else trend, jump = if (is.null(jump)) 0 else jump, outer = outer
    ),
    rows_of(unclass(fit$time.series)[, c("trend", "seasonal", "remainder")])
  )
}
mstl_case <- function(name, y, seasons) {
  fit <- unclass(mstl(msts(as.numeric(y), seasons)))
  columns <- c("Trend", paste0("Seasonal", seasons), "Remainder")
  seasonal <- fit[, paste0("Seasonal", seasons), drop = FALSE]
  rest <- fit[, "Remainder"]
  strength <- apply(seasonal, 2, function(s) max(0, min(1, 1 - var(rest) / var(rest + s))))
  c(list(name = name, seasons = I(seasons), strength = I(unname(strength))), rows_of(fit[, columns]))
}
stlf_case <- function(name, y, seasons) {
  y <- msts(as.numeric(y), seasons)
  h <- 2 * max(seasons)
  fit <- stlf(y, method = "ets", h = h)
  list(
    name = name, seasons = I(seasons), form = fit$model$method, aicc = fit$model$aicc,
    naive = as.numeric(stlf(y, method = "naive", h = h)$mean)[1:min(h, 60)], ets = as.numeric(fit$mean)[1:min(h, 60)]
  )
}
air <- log(AirPassengers)
# The first 16 days of taylor, half-hourly, to keep the file small.
load <- ts(as.numeric(taylor)[1:(48 * 16)], frequency = 48)
out <- list(
  series = list(
    AirPassengers = as.numeric(air), nottem = as.numeric(nottem), co2 = as.numeric(co2),
    taylor = as.numeric(load),
    USAccDeaths = as.numeric(USAccDeaths), wineind = as.numeric(wineind)
  ),
  stl = list(
    stl_case("AirPassengers", air, 11), stl_case("AirPassengers", air), stl_case("AirPassengers", air, 7, outer = 5),
    stl_case("nottem", nottem, 11), stl_case("nottem", nottem, 13, trend = 21, jump = 1), stl_case("nottem", nottem, outer = 15),
    stl_case("co2", co2, 21), stl_case("taylor", load, 11), stl_case("taylor", load, 9, outer = 2)
  ),
  mstl = list(
    mstl_case("AirPassengers", air, 12), mstl_case("nottem", nottem, 12), mstl_case("co2", co2, 12),
    mstl_case("taylor", load, c(48, 336))
  ),
  stlf = list(
    stlf_case("AirPassengers", air, 12), stlf_case("nottem", nottem, 12), stlf_case("co2", co2, 12),
    stlf_case("USAccDeaths", USAccDeaths, 12), stlf_case("wineind", wineind, 12),
    stlf_case("taylor", load, c(48, 336))
  )
)
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE), "\n", sep = "")
