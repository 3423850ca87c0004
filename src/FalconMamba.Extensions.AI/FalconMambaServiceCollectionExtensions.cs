using System.Diagnostics.Metrics;
using FalconMamba.Extensions.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers a model as a service.</summary>
public static class FalconMambaServiceCollectionExtensions
{
    /// <summary>
    /// Registers one model: <see cref="FalconMambaEngine"/>, and over it <see cref="IChatClient"/> and
    /// <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>, all once for the application. What is registered already stays.
    /// Options are checked when the host starts; the model is loaded when the first of these services is asked for.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options; null where they are configured elsewhere.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddFalconMamba(this IServiceCollection services, Action<FalconMambaOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<FalconMambaOptions>();
        if (configure is not null) options.Configure(configure);
        options.ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<FalconMambaOptions>, FalconMambaOptionsValidator>());
        services.TryAddSingleton(provider => FalconMambaEngine.Load(
            provider.GetRequiredService<IOptions<FalconMambaOptions>>().Value, provider.GetService<ILoggerFactory>(), provider.GetService<IMeterFactory>()));
        services.TryAddSingleton(provider => new FalconMambaChatClient(provider.GetRequiredService<FalconMambaEngine>()));
        services.TryAddSingleton(provider => new FalconMambaEmbeddingGenerator(provider.GetRequiredService<FalconMambaEngine>()));
        services.TryAddSingleton<IChatClient>(provider => provider.GetRequiredService<FalconMambaChatClient>());
        services.TryAddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(provider => provider.GetRequiredService<FalconMambaEmbeddingGenerator>());
        return services;
    }
}
