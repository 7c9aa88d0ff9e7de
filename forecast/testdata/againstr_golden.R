# Prints againstr_golden.json: series, and what R's forecast package makes of them.
# scripts/speed.R sources this file for its cases and times them.
#
#	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 Rscript againstr_golden.R > againstr_golden.json
#
# Made with R 4.2.2, forecast 8.20, jsonlite 1.8.4 (Debian 12).
suppressMessages(library(forecast))

ahead <- 24

# Minutes of a made-up load, by a linear congruential generator (Lehmer, 1951), as
# forecast/againstr_test.go has them too.
minutes <- function(n) {
  state <- 42
  draw <- function() {
    state <<- (state * 48271) %% 2147483647
    state / 2147483647 - .5
  }
  vapply(0:(n - 1), function(t) {
    noise <- draw() + draw() + draw()
    round(100 + 40 * sin(2 * pi * t / 1440) + 10 * noise, 3)
  }, 0)
}
series <- list(
  AirPassengers = as.numeric(AirPassengers),
  USAccDeaths = as.numeric(USAccDeaths),
  wineind = as.numeric(wineind),
  WWWusage = as.numeric(WWWusage),
  lynx = as.numeric(lynx),
  taylor = as.numeric(taylor),
  day = minutes(1440),
  week = minutes(7 * 1440)
)
# R's ets has no season of more than 24 steps, and auto.arima needs minutes for one.
case <- function(model, name, ...) list(model = model, series = name, seasons = as.integer(c(...)))
monthly <- c("AirPassengers", "USAccDeaths", "wineind")
cases <- c(
  lapply(monthly, function(name) case("arima", name, 12)), list(case("arima", "taylor"), case("arima", "day")),
  lapply(monthly, function(name) case("ets", name, 12)), list(case("ets", "WWWusage"), case("ets", "lynx"), case("ets", "taylor"), case("ets", "day")),
  lapply(monthly, function(name) case("mstl", name, 12)),
  list(case("mstl", "taylor", 48, 336), case("mstl", "week", 1440)),
  lapply(monthly, function(name) case("theta", name, 12)), list(case("theta", "taylor", 48), case("theta", "day"))
)
# The fit of a case with its forecasts.
run <- function(case) {
  y <- series[[case$series]]
  y <- if (length(case$seasons) > 1) msts(y, case$seasons) else ts(y, frequency = max(1, case$seasons))
  switch(case$model,
    arima = forecast(auto.arima(y), h = ahead, level = 80),
    ets = forecast(ets(y), h = ahead, PI = FALSE),
    mstl = stlf(y, h = ahead, level = 80),
    theta = thetaf(y, h = ahead, level = 80)
  )
}

if (sys.nframe() == 0) {
  library(jsonlite)
  out <- lapply(cases, function(case) {
    f <- run(case)
    c(
      list(model = case$model, series = case$series, seasons = I(case$seasons), method = f$method),
      if (case$model != "theta") list(aicc = f$model$aicc), list(forecast = as.numeric(f$mean))
    )
  })
  # The minutes are made anew where they are needed; their sums show that they are the same.
  sums <- list(day = sum(series$day), week = sum(series$week))
  series <- series[setdiff(names(series), names(sums))]
  cat(toJSON(list(series = series, sums = sums, cases = out), digits = NA, auto_unbox = TRUE), "\n", sep = "")
}
