# Golden numbers for prophet: R 4.2.2, prophet 1.0, forecast 8.20 (taylor). Prints prophet_golden.json.
suppressMessages({library(prophet);library(forecast);library(jsonlite)})
out <- list()
run <- function(name, y, step, future) {
  ds <- as.POSIXct("2020-01-06", tz="UTC") + step*(seq_along(y)-1)
  m <- suppressMessages(prophet(data.frame(ds=ds,y=as.numeric(y)), uncertainty.samples=0))
  f <- predict(m, data.frame(ds=max(ds)+step*(1:future)))
  p <- m$params
  list(name=name, step=step, y=as.numeric(y), k=p$k, m=p$m, delta=as.numeric(p$delta), beta=as.numeric(p$beta), sigma=p$sigma_obs, forecast=f$yhat)
}
out[[1]] <- run("taylor first 4 weeks, half-hourly", taylor[1:1344], 1800, 48)
out[[2]] <- run("EuStockMarkets DAX first 600, daily", EuStockMarkets[1:600,1], 86400, 30)
out[[3]] <- run("AirPassengers as if hourly", AirPassengers, 3600, 24)
out[[4]] <- run("sunspot.month first 1200 as if daily", sunspot.month[1:1200], 86400, 30)
cat(toJSON(out, digits=10, auto_unbox=TRUE), "\n")
