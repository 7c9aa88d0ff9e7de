# Prints arima_golden.json: what R's arima and forecast package compute on their own data
# sets. Fixed orders with and without missing values, a regression on waves, the tests
# for differences, and the orders that auto.arima chooses.
#
#	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 Rscript arima_golden.R > arima_golden.json
#
# Made with R 4.2.2, forecast 8.20, urca 1.3-3, jsonlite 1.8.4 (Debian 12).
suppressMessages(library(forecast))
library(jsonlite)

series <- list(
  AirPassengers = AirPassengers,
  logAirPassengers = log(AirPassengers),
  USAccDeaths = USAccDeaths,
  wineind = wineind,
  lynx = lynx,
  WWWusage = WWWusage,
  nottem = nottem,
  LakeHuron = LakeHuron,
  Nile = Nile,
  co2 = co2,
  UKgas = UKgas,
  woolyrnq = woolyrnq,
  JohnsonJohnson = JohnsonJohnson,
  sunspots = sunspot.year,
  austres = austres,
  uspop = UKDriverDeaths
)
names(series)[16] <- "UKDriverDeaths"

# The search goes on until the likelihood no longer changes; R's default stops at 1e-8.
tight <- list(reltol = 1e-14, maxit = 2000)
gaps <- list(none = integer(0), scattered = c(5, 20, 21, 47, 60), block = c(30:39, 55), start = c(1, 2, 14, 50:53))
fixed <- list(
  list("AirPassengers", c(2, 1, 1), c(0, 1, 0), FALSE, "none"),
  list("AirPassengers", c(2, 1, 1), c(0, 1, 0), FALSE, "scattered"),
  list("logAirPassengers", c(0, 1, 1), c(0, 1, 1), FALSE, "none"),
  list("logAirPassengers", c(0, 1, 1), c(0, 1, 1), FALSE, "block"),
  list("logAirPassengers", c(0, 1, 1), c(0, 1, 1), FALSE, "start"),
  list("USAccDeaths", c(0, 1, 1), c(0, 1, 1), FALSE, "none"),
  list("USAccDeaths", c(0, 1, 1), c(0, 1, 1), FALSE, "scattered"),
  list("wineind", c(1, 1, 2), c(0, 1, 1), FALSE, "none"),
  list("lynx", c(2, 0, 2), c(0, 0, 0), TRUE, "none"),
  list("lynx", c(2, 0, 2), c(0, 0, 0), TRUE, "block"),
  list("WWWusage", c(1, 1, 1), c(0, 0, 0), FALSE, "none"),
  list("WWWusage", c(3, 1, 0), c(0, 0, 0), FALSE, "start"),
  list("nottem", c(1, 0, 0), c(0, 1, 1), TRUE, "none"),
  list("nottem", c(1, 0, 0), c(2, 1, 0), TRUE, "scattered"),
  list("LakeHuron", c(2, 0, 0), c(0, 0, 0), TRUE, "none"),
  list("LakeHuron", c(0, 1, 0), c(0, 0, 0), TRUE, "none"),
  list("Nile", c(1, 0, 1), c(0, 0, 0), TRUE, "none"),
  list("Nile", c(0, 1, 1), c(0, 0, 0), TRUE, "block"),
  list("co2", c(1, 1, 1), c(0, 1, 1), FALSE, "none"),
  list("austres", c(1, 2, 1), c(0, 0, 0), FALSE, "scattered")
)
fixed <- lapply(fixed, function(case) {
  y <- series[[case[[1]]]]
  y[gaps[[case[[5]]]]] <- NA
  fit <- Arima(y, order = case[[2]], seasonal = case[[3]], include.constant = case[[4]], optim.control = tight)
  f <- forecast(fit, h = 24)
  # forecast's sigma2 counts the residuals of the diffuse start; that of stats does not.
  ml <- stats::arima(y, case[[2]], list(order = case[[3]], period = frequency(y)), xreg = fit$xreg,
    fixed = coef(fit), transform.pars = FALSE)$sigma2
  list(series = case[[1]], order = case[[2]], seasonal = case[[3]], constant = case[[4]], missing = gaps[[case[[5]]]],
    coef = as.list(coef(fit)), loglik = as.numeric(fit$loglik), sigma2 = ml * nobs(fit) / (nobs(fit) - length(coef(fit))),
    mean = as.numeric(f$mean), deviations = as.numeric((f$upper[, 1] - f$mean) / qnorm(.9) / sqrt(fit$sigma2)))
})

waves <- lapply(list(
  list("nottem", c(1, 0, 1), 3, "none"),
  list("nottem", c(2, 0, 0), 2, "block"),
  list("UKDriverDeaths", c(1, 0, 1), 5, "none")
), function(case) {
  y <- series[[case[[1]]]]
  y[gaps[[case[[4]]]]] <- NA
  x <- cbind(trend = seq_along(y), fourier(series[[case[[1]]]], K = case[[3]]))
  fit <- Arima(y, order = case[[2]], xreg = x, optim.control = tight)
  ahead <- cbind(trend = length(y) + 1:24, fourier(series[[case[[1]]]], K = case[[3]], h = 24))
  f <- forecast(fit, xreg = ahead)
  list(series = case[[1]], order = case[[2]], pairs = case[[3]], missing = gaps[[case[[4]]]],
    coef = as.list(coef(fit)), loglik = as.numeric(fit$loglik), sigma2 = fit$sigma2, aicc = fit$aicc,
    mean = as.numeric(f$mean))
})

differences <- lapply(names(series), function(name) {
  y <- series[[name]]
  m <- frequency(y)
  list(series = name,
    strength = if (m > 1) {
      x <- mstl(y)
      remainder <- x[, "Remainder"]
      1 - var(remainder) / var(remainder + x[, ncol(x) - 1])
    } else 0,
    kpss = urca::ur.kpss(as.numeric(y), type = "mu", use.lag = trunc(3 * sqrt(length(y)) / 13))@teststat,
    ndiffs = ndiffs(y),
    nsdiffs = if (m > 1) nsdiffs(y) else 0)
})

automatic <- lapply(names(series), function(name) {
  fit <- auto.arima(series[[name]])
  o <- arimaorder(fit)
  list(series = name, order = as.numeric(o[1:3]), seasonal = if (length(o) > 3) as.numeric(o[4:6]) else c(0, 0, 0),
    constant = any(names(coef(fit)) %in% c("drift", "intercept", "mean")), aicc = fit$aicc)
})

out <- list(
  series = lapply(series, function(y) list(season = frequency(y), values = as.numeric(y))),
  fixed = fixed, waves = waves, differences = differences, automatic = automatic)
cat(toJSON(out, digits = 10, auto_unbox = TRUE, pretty = FALSE), "\n", sep = "")
