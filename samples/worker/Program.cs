using FalconMamba.Samples.Worker;

// Settings come from the command line (--model M), from the environment (model=M), or from an appsettings.json.
var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddFalconMamba(options => options.Model = builder.Configuration["model"] ?? "shakespeare-4m");
builder.Services.AddHostedService<PromptFolder>();
await builder.Build().RunAsync();
