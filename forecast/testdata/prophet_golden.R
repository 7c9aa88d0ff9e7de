# Golden numbers for prophet: R 4.2.2, prophet 1.0, forecast 8.20 (taylor). Prints prophet_golden.json.
# Quantiles are of 20,000 paths that prophet draws; columns are the names of beta.
suppressMessages({library(prophet);library(forecast);library(jsonlite)})
out <- list()
levels <- c(.025,.1,.5,.9,.975)
run <- function(name, y, step, future, mode="additive", period=NULL, holidays=NULL) {
  ds <- as.POSIXct("2020-01-06", tz="UTC") + step*(seq_along(y)-1)
  m <- if (is.null(period)) prophet(seasonality.mode=mode, holidays=holidays, uncertainty.samples=20000) else
    add_seasonality(prophet(seasonality.mode=mode, holidays=holidays, daily.seasonality=FALSE, weekly.seasonality=FALSE,
      yearly.seasonality=FALSE, uncertainty.samples=20000), "own", period*step/86400, 5)
  m <- suppressMessages(fit.prophet(m, data.frame(ds=ds,y=as.numeric(y))))
  ahead <- data.frame(ds=max(ds)+step*(1:future))
  set.seed(1)
  paths <- predictive_samples(m, ahead)$yhat
  m$uncertainty.samples <- 0
  f <- predict(m, ahead)
  p <- m$params
  x <- prophet:::make_all_seasonality_features(m, m$history)$seasonal.features
  list(name=name, step=step, y=as.numeric(y), k=p$k, m=p$m, delta=as.numeric(p$delta), beta=as.numeric(p$beta), sigma=p$sigma_obs, forecast=f$yhat,
    mode=mode, period=if (is.null(period)) 0 else period, columns=colnames(x),
    at=c(1,round(future/2),future), quantiles=t(apply(paths[c(1,round(future/2),future),],1,quantile,probs=levels,names=FALSE)))
}
out[[1]] <- run("taylor first 4 weeks, half-hourly", taylor[1:1344], 1800, 48)
out[[2]] <- run("EuStockMarkets DAX first 600, daily", EuStockMarkets[1:600,1], 86400, 30)
out[[3]] <- run("AirPassengers as if hourly", AirPassengers, 3600, 24)
out[[4]] <- run("sunspot.month first 1200 as if daily", sunspot.month[1:1200], 86400, 30)
out[[5]] <- run("AirPassengers as if hourly, multiplicative", AirPassengers, 3600, 24, "multiplicative", 12)
out[[6]] <- run("gas as if hourly, multiplicative", gas[1:400], 3600, 36, "multiplicative", 12)
# A load with a weekly shape and a sale of three days every 40, of which the last is to come.
set.seed(7)
n <- 330
sales <- seq(25, n+10, by=40)
load <- 100 + .1*(1:n) + c(10,12,8,9,15,-20,-25)[(0:(n-1))%%7+1] + rnorm(n,0,3)
for (s in sales[sales<n-1]) load[s+0:2] <- load[s+0:2] + c(10,40,-15)
holidays <- data.frame(holiday="sale", ds=as.Date("2020-01-06")+sales, lower_window=-1, upper_window=1)
load <- round(load, 3)
out[[7]] <- c(run("sales", load, 86400, 21, holidays=holidays), list(sales=sales))
out[[8]] <- c(run("sales, multiplicative", load, 86400, 21, "multiplicative", holidays=holidays), list(sales=sales))
cat(toJSON(out, digits=10, auto_unbox=TRUE), "\n")
